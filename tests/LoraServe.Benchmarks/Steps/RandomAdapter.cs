using LoraServe.Engine;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Benchmarks.Steps;

/// <summary>A random adapter on every linear module of the layers: step time does not depend on its values.</summary>
internal static class RandomAdapter
{
    // Small, so that activations stay in the range the model was trained for.
    private const float Scale = 0.01f;

    /// <param name="config">Determines paths and shapes.</param>
    /// <param name="version">Its identity.</param>
    /// <param name="rank">r of every module.</param>
    /// <param name="dtype">The compute dtype.</param>
    public static LoraAdapter Create(ModelConfig config, string version, int rank, ScalarType dtype) => new(
        new AdapterVersionId(version),
        config.Modules("base").Linears.Where(linear => linear.Path != ModelLayout.Head).ToDictionary(
            linear => linear.Path,
            LinearUpdate (linear) => new LowRankUpdate(Random(rank, linear.InFeatures, dtype), Random(linear.OutFeatures, rank, dtype))));

    private static Tensor Random(int rows, int columns, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        return randn(rows, columns).mul_(Scale).to(dtype).DetachFromDisposeScope();
    }
}
