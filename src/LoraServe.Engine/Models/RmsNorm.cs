using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>
/// Root mean square normalisation (Zhang and Sennrich 2019): x / sqrt(mean(x^2) + epsilon) * weight, over the last dimension.
/// </summary>
/// <param name="weight">[size]</param>
/// <param name="epsilon">Added to the mean square.</param>
internal sealed class RmsNorm(Tensor weight, double epsilon) : IDisposable
{
    // A tensor, so that no step makes a scalar that no scope tracks.
    private readonly Tensor _epsilon = tensor((float)epsilon, device: weight.device).DetachFromDisposeScope();

    /// <summary>x [..., size] to the same shape and dtype; the mean is taken in float32. The caller owns the result.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var wide = x.to(ScalarType.Float32);
        var inverse = wide.square().mean([-1], keepdim: true).AddInPlace(_epsilon).rsqrt_();
        return wide.mul(inverse).to(x.dtype).mul_(weight).MoveToOuterDisposeScope();
    }

    /// <summary>Frees its own constant, not the weight.</summary>
    public void Dispose() => _epsilon.Dispose();
}
