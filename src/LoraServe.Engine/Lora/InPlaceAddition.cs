using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>Addition in place with a factor that lives as long as the process.</summary>
internal static class InPlaceAddition
{
    // TorchSharp's own add_(y) makes a scalar 1 for each call, which the finalizer may free while libtorch still reads it.
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>x + y in place of x; returns x itself, not a new handle.</summary>
    public static Tensor AddInPlace(this Tensor x, Tensor y) => x.add_(y, One);
}
