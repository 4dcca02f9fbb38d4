using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Models;
using LoraServe.Engine.Peft;
using TorchSharp;

namespace LoraServe.Benchmarks.Merging;

/// <summary>A checkpoint's weights and the PEFT adapters of a folder, loaded to be merged.</summary>
internal sealed class AdapterFolder : IDisposable
{
    private const int MaxRank = 1024;

    private AdapterFolder(ModelConfig config, BaseWeights weights, IReadOnlyDictionary<string, LoraAdapter> adapters) =>
        (Config, Weights, Adapters) = (config, weights, adapters);

    public ModelConfig Config { get; }

    public BaseWeights Weights { get; }

    /// <summary>By folder name, in order.</summary>
    public IReadOnlyDictionary<string, LoraAdapter> Adapters { get; }

    /// <param name="model">Folder of the checkpoint.</param>
    /// <param name="adapters">Folder whose sub-folders are adapters; null: none.</param>
    /// <param name="dtype">The compute dtype.</param>
    public static AdapterFolder Load(string model, string? adapters, torch.ScalarType dtype)
    {
        try
        {
            var config = ModelConfig.Load(model);
            using var checkpoint = Checkpoint.Open(model);
            var weights = BaseWeights.Load(config, checkpoint, dtype, torch.CPU, progress: null);
            var folders = adapters is null ? [] : Directory.GetDirectories(adapters);
            return new AdapterFolder(config, weights, folders.Order(StringComparer.Ordinal).ToDictionary(
                folder => Path.GetFileName(folder),
                folder =>
                {
                    using var peft = PeftAdapter.Open(folder, config.Modules("base"), MaxRank);
                    return peft.Load(dtype, torch.CPU, weights.Weight);
                }));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidCheckpointException or InvalidPeftException)
        {
            throw new BenchmarkException($"Model or adapters cannot be loaded. {e.Message}", e);
        }
    }

    /// <summary>Merges all modules of an adapter.</summary>
    public MergedTensors Merge(LoraAdapter adapter, torch.Tensor memory)
    {
        using var merger = new AdapterMerger(Weights, adapter, memory);
        while (merger.Advance())
        {
        }

        return merger.Complete();
    }

    public void Dispose()
    {
        foreach (var adapter in Adapters.Values) adapter.Dispose();
        Weights.Dispose();
    }
}
