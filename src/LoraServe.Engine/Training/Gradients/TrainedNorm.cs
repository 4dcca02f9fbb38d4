using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>Root mean square normalisation as <see cref="Models.RmsNorm"/>, there and back.</summary>
/// <param name="weight">[size], in the compute dtype, not owned.</param>
/// <param name="parameter">The weight where it is trained, else null.</param>
/// <param name="epsilon">Added to the mean square.</param>
internal sealed class TrainedNorm(Tensor weight, TrainedParameter? parameter, double epsilon) : IDisposable
{
    private readonly Tensor _epsilon = tensor((float)epsilon, device: weight.device).DetachFromDisposeScope();

    /// <summary>Weight in the compute dtype.</summary>
    public Tensor Weight => weight;

    /// <summary>x [..., size] to the same shape and dtype; the mean is taken in float32. In the current dispose scope.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return Unscaled(x).Wide.to(x.dtype).mul(weight).MoveToOuterDisposeScope();
    }

    /// <summary>Adds to the gradient of the weight and returns that of x, in the current dispose scope.</summary>
    /// <param name="dy">Gradient of the result.</param>
    /// <param name="x">What the norm was given.</param>
    public Tensor Backward(Tensor dy, Tensor x)
    {
        // y = w * n, n = x / rms(x): dx = (dn - n mean(dn * n)) / rms(x) with dn = dy * w.
        using var scope = NewDisposeScope();
        var (normed, inverse) = Unscaled(x);
        var dn = dy.to(ScalarType.Float32);
        parameter?.Add(dn.mul(normed).reshape(-1, weight.size(0)).sum(dim: 0));
        dn = dn.mul(weight.to(ScalarType.Float32));
        var mean = dn.mul(normed).mean([-1], keepdim: true);
        return dn.sub(normed.mul_(mean)).mul_(inverse).to(x.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Frees its own constant.</summary>
    public void Dispose() => _epsilon.Dispose();

    private (Tensor Wide, Tensor Inverse) Unscaled(Tensor x)
    {
        var wide = x.to(ScalarType.Float32);
        var inverse = wide.square().mean([-1], keepdim: true).add_(_epsilon, Constants.One).rsqrt_();
        return (wide.mul(inverse), inverse);
    }
}
