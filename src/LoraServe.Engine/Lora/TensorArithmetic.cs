using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// Arithmetic with scalars that live as long as the process. TorchSharp's own add, square and gt(0) make one for each call, which the finalizer
/// may free while libtorch still reads it: "Unknown scalar type".
/// </summary>
internal static class TensorArithmetic
{
    private static readonly Scalar Zero = 0.ToScalar();
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>x + y in place of x; returns x itself, not a new handle.</summary>
    public static Tensor AddInPlace(this Tensor x, Tensor y) => x.add_(y, One);

    /// <summary>x + y.</summary>
    public static Tensor Plus(this Tensor x, Tensor y) => x.add(y, One);

    /// <summary>x * x, element by element.</summary>
    public static Tensor Squared(this Tensor x) => x.mul(x);

    /// <summary>Whether elements are above 0.</summary>
    public static Tensor IsPositive(this Tensor x) => x.gt(Zero);
}
