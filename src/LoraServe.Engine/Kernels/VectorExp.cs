using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraServe.Engine.Kernels;

/// <summary>exp in float32 to within 2 units of the last place: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2] (Cephes' expf).</summary>
internal static class VectorExp
{
    private const float Highest = 88.37f;
    private const float Lowest = -87.33f;
    private const float Log2E = 1.44269504f;

    // ln 2 in two parts, so that n ln 2 is exact enough.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>8 values; results below the smallest normal number are clamped to about it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x)
    {
        x = Vector256.Min(Vector256.Max(x, Vector256.Create(Lowest)), Vector256.Create(Highest));
        var n = Vector256.Floor(Vector256.FusedMultiplyAdd(x, Vector256.Create(Log2E), Vector256.Create(0.5f)));
        x = Vector256.FusedMultiplyAdd(n, Vector256.Create(-Ln2High), x);
        x = Vector256.FusedMultiplyAdd(n, Vector256.Create(-Ln2Low), x);
        var p = Vector256.Create(1.9875691500e-4f);
        p = Vector256.FusedMultiplyAdd(p, x, Vector256.Create(1.3981999507e-3f));
        p = Vector256.FusedMultiplyAdd(p, x, Vector256.Create(8.3334519073e-3f));
        p = Vector256.FusedMultiplyAdd(p, x, Vector256.Create(4.1665795894e-2f));
        p = Vector256.FusedMultiplyAdd(p, x, Vector256.Create(1.6666665459e-1f));
        p = Vector256.FusedMultiplyAdd(p, x, Vector256.Create(5.0000001201e-1f));
        p = Vector256.FusedMultiplyAdd(p, x * x, x + Vector256<float>.One);
        var scale = (Vector256.ConvertToInt32Native(n) + Vector256.Create(127)) << 23;
        return p * scale.AsSingle();
    }
}
