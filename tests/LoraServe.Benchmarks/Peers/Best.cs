using System.Numerics.Tensors;

namespace LoraServe.Benchmarks.Peers;

/// <summary>Greedy sampling, the same for both engines.</summary>
internal static class Best
{
    /// <summary>The index of the largest logit.</summary>
    public static int Of(ReadOnlySpan<float> logits) => TensorPrimitives.IndexOfMax(logits);
}
