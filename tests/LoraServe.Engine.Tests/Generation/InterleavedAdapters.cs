using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Peft;
using TorchSharp;

namespace LoraServe.Engine.Tests.Generation;

/// <summary>The base, adapters of several forms and a mix of two of them, for llama-gqa in float32; the caller disposes them.</summary>
internal static class InterleavedAdapters
{
    /// <summary>The place of the activated LoRA in the list.</summary>
    public const int Activated = 5;

    /// <summary>The place of the mix.</summary>
    public const int Mix = 6;

    private static readonly string[] Names = ["attention-r4", "rank-32", "dora-r4", "embeddings", "activated"];

    /// <param name="golden">The folder with checkpoints and adapters.</param>
    public static List<LoraAdapter> Load(string golden)
    {
        var folder = Path.Combine(golden, "checkpoints", "llama-gqa");
        var config = ModelConfig.Load(folder);
        using var checkpoint = Checkpoint.Open(folder);
        using var weights = BaseWeights.Load(config, checkpoint, torch.ScalarType.Float32, torch.CPU, progress: null);
        List<LoraAdapter> adapters = [LoraAdapter.Base];
        foreach (var name in Names)
        {
            using var peft = PeftAdapter.Open(Path.Combine(golden, "adapters", "llama-gqa", name), config.Modules("llama-gqa"), maxRank: 256);
            adapters.Add(peft.Load(torch.ScalarType.Float32, torch.CPU, weights.Weight));
        }

        adapters.Add(LoraMix.Combine(new AdapterVersionId("mix"), [(adapters[1], 0.7), (adapters[2], -0.3)]));
        return adapters;
    }
}
