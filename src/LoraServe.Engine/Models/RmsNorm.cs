using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>
/// Root mean square normalisation (Zhang and Sennrich 2019): x / sqrt(mean(x^2) + epsilon) * weight, over the last dimension, each token
/// with the weight of its own adapter where that has one.
/// </summary>
/// <param name="path">The module's path in the checkpoint, under which adapters keep their weights.</param>
/// <param name="weight">[size], never written.</param>
/// <param name="epsilon">Added to the mean square.</param>
internal sealed class RmsNorm(string path, Tensor weight, double epsilon) : IDisposable
{
    // A tensor, so that steps do not create scalars, which dispose scopes do not track.
    private readonly Tensor _epsilon = tensor((float)epsilon, device: weight.device).DetachFromDisposeScope();

    /// <summary>x [tokens, ..., size] to the same shape and dtype; the mean is taken in float32. The caller owns the result.</summary>
    public Tensor Forward(Tensor x, LoraBatch batch)
    {
        using var scope = NewDisposeScope();
        var wide = x.to(ScalarType.Float32);
        var inverse = wide.Squared().mean([-1], keepdim: true).AddInPlace(_epsilon).rsqrt_();
        var unscaled = wide.mul(inverse).to(x.dtype);
        var replaced = Replaced(unscaled, batch);
        var y = unscaled.mul_(weight);
        foreach (var (segment, own) in replaced) y.narrow(0, segment.Start, segment.Count).copy_(own);
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>Frees its own constant, not the weight.</summary>
    public void Dispose() => _epsilon.Dispose();

    // Computed before the base's weight is multiplied into all tokens in place.
    private List<(LoraSegment Segment, Tensor Own)> Replaced(Tensor unscaled, LoraBatch batch)
    {
        List<(LoraSegment, Tensor)> replaced = [];
        foreach (var segment in batch.Segments)
        {
            if (segment.Adapter.Norms.TryGetValue(path, out var own))
                replaced.Add((segment, unscaled.narrow(0, segment.Start, segment.Count).mul(own)));
        }

        return replaced;
    }
}
