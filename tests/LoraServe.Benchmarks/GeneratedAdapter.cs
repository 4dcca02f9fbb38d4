using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Peft;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Benchmarks;

/// <summary>Writes PEFT folders of random adapters, each with its own version.</summary>
internal static class GeneratedAdapter
{
    // Large enough to change what a model says, small enough to keep activations in the range it was trained for.
    private const double Scale = 0.05;

    /// <summary>Writes adapter_config.json and adapter_model.safetensors into a new folder.</summary>
    /// <param name="folder">Created.</param>
    /// <param name="linears">The modules to adapt.</param>
    /// <param name="rank">r of every module.</param>
    /// <param name="seed">Determines the values, and so the version.</param>
    public static void Write(string folder, IEnumerable<LinearModule> linears, int rank, long seed)
    {
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var linear in linears)
        {
            tensors[$"base_model.model.{linear.Path}.lora_A.weight"] = Random(rank, linear.InFeatures, generator);
            tensors[$"base_model.model.{linear.Path}.lora_B.weight"] = Random(linear.OutFeatures, rank, generator);
        }

        SafetensorsWriter.Write(Path.Combine(folder, PeftAdapter.TensorFileName), tensors, new Dictionary<string, string> { ["format"] = "pt" });
        var targets = string.Join("\", \"", linears.Select(linear => linear.Path.Split('.')[^1]).Distinct(StringComparer.Ordinal));
        File.WriteAllText(
            Path.Combine(folder, PeftConfig.FileName),
            $$"""{"peft_type": "LORA", "r": {{rank}}, "lora_alpha": {{2 * rank}}, "target_modules": ["{{targets}}"]}""");
    }

    private static Tensor Random(int rows, int columns, Generator generator)
    {
        using var scale = Scale.ToScalar();
        return randn(rows, columns, generator: generator).mul(scale).to(ScalarType.BFloat16);
    }
}
