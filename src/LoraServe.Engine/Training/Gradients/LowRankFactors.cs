using LoraServe.Engine.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// A and B of one module in training (Hu et al. 2021), and DoRA's magnitude if there is one (Liu et al. 2024), with the derived forms
/// that passes use.
/// </summary>
/// <param name="a">A [r, in].</param>
/// <param name="b">B [out, r].</param>
/// <param name="magnitude">m [out], or null for plain LoRA.</param>
/// <param name="scaling">s.</param>
internal sealed class LowRankFactors(TrainedParameter a, TrainedParameter b, TrainedParameter? magnitude, float scaling) : IDisposable
{
    private Tensor? _scaledB;
    private Tensor? _gain;
    private Tensor? _inverseNorm;

    public TrainedParameter A => a;

    public TrainedParameter B => b;

    /// <summary>s.</summary>
    public float Scaling => scaling;

    /// <summary>r.</summary>
    public long Rank => a.Value.size(0);

    /// <summary>s B [out, r] in the compute dtype.</summary>
    public Tensor ScaledB => _scaledB!;

    /// <summary>DoRA's g = m / ||W + s B A|| [out] in the compute dtype; the norm counts as a constant (section 4.3).</summary>
    public Tensor? Gain => _gain;

    /// <summary>Recomputes the derived forms after the parameters were written.</summary>
    /// <param name="weight">W [out, in].</param>
    /// <param name="dtype">The compute dtype.</param>
    public void Refresh(Tensor weight, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var factor = scaling.ToScalar();
        var wide = b.Value.mul(factor);
        Replace(ref _scaledB, wide.to(dtype));
        if (magnitude is null) return;
        var inverse = DoraScale.Of(weight, a.Value, wide, ones_like(magnitude.Value));
        Replace(ref _gain, magnitude.Value.mul(inverse).to(dtype));
        Replace(ref _inverseNorm, inverse);
    }

    /// <summary>Adds to the gradient of m.</summary>
    /// <param name="dy">Gradient of g * z, [tokens, out].</param>
    /// <param name="z">(W + s B A) x, [tokens, out].</param>
    public void AddMagnitude(Tensor dy, Tensor z)
    {
        using var scope = NewDisposeScope();
        magnitude!.Add(dy.to(ScalarType.Float32).mul(z.to(ScalarType.Float32)).sum(dim: 0).mul_(_inverseNorm!));
    }

    /// <summary>The update as it serves: copies in the dtype of the base, in the current dispose scope.</summary>
    /// <param name="weight">W [out, in].</param>
    /// <param name="bias">[out], or null.</param>
    public LowRankUpdate Snapshot(Tensor weight, Tensor? bias)
    {
        using var factor = scaling.ToScalar();
        var served = b.Value.mul(factor);
        if (magnitude is null) return new LowRankUpdate(Copy(a.Value, weight), Copy(served, weight));
        var gain = DoraScale.Of(weight, a.Value, served, magnitude.Value);
        var wideBias = bias?.to(ScalarType.Float32);
        var shift = wideBias?.sub(wideBias.mul(gain));
        return new LowRankUpdate(
            Copy(a.Value, weight),
            Copy(served.mul(gain.unsqueeze(1)), weight),
            Copy(gain, weight),
            shift is null ? null : Copy(shift, weight));
    }

    /// <summary>Frees the derived forms, not the parameters.</summary>
    public void Dispose()
    {
        _scaledB?.Dispose();
        _gain?.Dispose();
        _inverseNorm?.Dispose();
    }

    private static Tensor Copy(Tensor value, Tensor like) => value.to(like.dtype, like.device, copy: true);

    private static void Replace(ref Tensor? field, Tensor value)
    {
        field?.Dispose();
        field = value.DetachFromDisposeScope();
    }
}
