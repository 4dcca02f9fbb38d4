using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>Root mean square normalisation as <see cref="Models.RmsNorm"/>, forward and backward.</summary>
/// <param name="weight">[size], in the compute dtype, not owned.</param>
/// <param name="parameter">The weight if it is trained, else null.</param>
/// <param name="epsilon">Added to the mean square.</param>
internal sealed class TrainedNorm(Tensor weight, TrainedParameter? parameter, double epsilon) : IDisposable
{
    private readonly Tensor _epsilon = tensor((float)epsilon, device: weight.device).DetachFromDisposeScope();

    /// <summary>Weight in the compute dtype.</summary>
    public Tensor Weight => weight;

    /// <summary>x [..., size] to the same shape and dtype; the mean is taken in float32.</summary>
    /// <param name="x">What is normalised.</param>
    /// <param name="tape">Keeps the result.</param>
    public Tensor Forward(Tensor x, Tape tape)
    {
        if (!FusedSteps.Support(x, weight.size(0))) return tape.Keep(Forward(x));
        var y = tape.New(x.shape);
        FusedSteps.Norm(x, weight, (float)epsilon, y);
        return y;
    }

    /// <summary>Adds to the gradient of the weight and returns that of x, in the current dispose scope.</summary>
    /// <param name="dy">Gradient of the result; its memory may become that of the returned one.</param>
    /// <param name="x">What the norm was given.</param>
    /// <param name="rest">What else is added to the gradient of x, or null.</param>
    public Tensor Backward(Tensor dy, Tensor x, Tensor? rest = null)
    {
        // y = w * n, n = x / rms(x): dx = (dn - n mean(dn * n)) / rms(x) with dn = dy * w.
        using var scope = NewDisposeScope();
        var isFused = FusedSteps.Support(x, weight.size(0)) && FusedSteps.Support(dy, weight.size(0));
        if (isFused && parameter is null) return InPlace(dy, x, rest);

        var (normed, inverse) = Unscaled(x);
        var dn = dy.to(ScalarType.Float32);
        parameter?.Add(dn.mul(normed).reshape(-1, weight.size(0)).sum(dim: 0));
        if (isFused) return InPlace(dy, x, rest);
        dn = dn.mul(weight.to(ScalarType.Float32));
        var mean = dn.mul(normed).mean([-1], keepdim: true);
        var dx = dn.sub(normed.mul_(mean)).mul_(inverse).to(x.dtype);
        if (rest is not null) dx.AddInPlace(rest);
        return dx.MoveToOuterDisposeScope();
    }

    /// <summary>Frees its own constant.</summary>
    public void Dispose() => _epsilon.Dispose();

    private Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return Unscaled(x).Wide.to(x.dtype).mul(weight).MoveToOuterDisposeScope();
    }

    private Tensor InPlace(Tensor dy, Tensor x, Tensor? rest)
    {
        FusedSteps.NormBackward(dy, x, weight, rest, (float)epsilon);
        return dy;
    }

    private (Tensor Wide, Tensor Inverse) Unscaled(Tensor x)
    {
        var wide = x.to(ScalarType.Float32);
        var inverse = wide.Squared().mean([-1], keepdim: true).AddInPlace(_epsilon).rsqrt_();
        return (wide.mul(inverse), inverse);
    }
}
