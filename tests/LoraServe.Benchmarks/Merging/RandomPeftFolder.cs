using System.Text.Json;
using LoraServe.Benchmarks.Steps;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using TorchSharp;

namespace LoraServe.Benchmarks.Merging;

/// <summary>A temporary folder with PEFT adapters of random values on every linear module of the layers.</summary>
internal sealed class RandomPeftFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("loraserve-").FullName;
    private readonly ModelConfig _config;

    private RandomPeftFolder(ModelConfig config) => _config = config;

    /// <summary>The parent of the adapters' folders.</summary>
    public string Path => System.IO.Path.Combine(_root, "adapters");

    /// <summary>A folder for engines' own files.</summary>
    public string Data => System.IO.Path.Combine(_root, "data");

    public static RandomPeftFolder Create(ModelConfig config, int count, int rank)
    {
        var created = new RandomPeftFolder(config);
        for (var i = 0; i < count; i++) created.Add($"random-{i:D2}", rank);
        return created;
    }

    /// <summary>Bytes of one adapter's merged weights.</summary>
    public long MergedBytes(torch.ScalarType dtype) => Linears.Sum(linear => (long)linear.InFeatures * linear.OutFeatures)
        * (dtype == torch.ScalarType.Float32 ? sizeof(float) : sizeof(ushort));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private IEnumerable<LinearModule> Linears => _config.Modules("base").Linears.Where(linear => linear.Path != ModelLayout.Head);

    private void Add(string name, int rank)
    {
        var folder = Directory.CreateDirectory(System.IO.Path.Combine(Path, name)).FullName;
        using var adapter = RandomAdapter.Create(_config, name, rank, torch.ScalarType.BFloat16);
        var tensors = adapter.Linears.SelectMany(module => new[]
        {
            KeyValuePair.Create($"base_model.model.{module.Key}.lora_A.weight", ((LowRankUpdate)module.Value).A),
            KeyValuePair.Create($"base_model.model.{module.Key}.lora_B.weight", ((LowRankUpdate)module.Value).B),
        }).ToDictionary();
        SafetensorsWriter.Write(System.IO.Path.Combine(folder, "adapter_model.safetensors"), tensors, new Dictionary<string, string>());
        var targets = Linears.Select(linear => linear.Path.Split('.')[^1]).Distinct();
        File.WriteAllText(
            System.IO.Path.Combine(folder, "adapter_config.json"),
            JsonSerializer.Serialize(new { peft_type = "LORA", task_type = "CAUSAL_LM", r = rank, lora_alpha = rank, target_modules = targets }));
    }
}
