using System.Runtime.CompilerServices;

namespace LoraServe.Engine.Kernels.Lanes;

/// <summary>The polynomial part of exp in float32 (Cephes' expf): exp(x) = 2^n exp(x - n ln 2), the rest within [-ln 2 / 2, ln 2 / 2].</summary>
internal static class ExpSeries
{
    /// <summary>Below this the result would not be a normal number.</summary>
    public const float Lowest = -87.33f;

    /// <summary>Above this the result would overflow.</summary>
    public const float Highest = 88.37f;

    /// <summary>1 / ln 2.</summary>
    public const float Log2E = 1.44269504f;

    // ln 2 in two parts, so that n ln 2 is exact enough.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>exp(x - n ln 2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Of<TLanes>(TLanes x, TLanes n) where TLanes : struct, ILanes<TLanes>
    {
        x = TLanes.MultiplyAdd(n, TLanes.Create(-Ln2High), x);
        x = TLanes.MultiplyAdd(n, TLanes.Create(-Ln2Low), x);
        var p = TLanes.Create(1.9875691500e-4f);
        p = TLanes.MultiplyAdd(p, x, TLanes.Create(1.3981999507e-3f));
        p = TLanes.MultiplyAdd(p, x, TLanes.Create(8.3334519073e-3f));
        p = TLanes.MultiplyAdd(p, x, TLanes.Create(4.1665795894e-2f));
        p = TLanes.MultiplyAdd(p, x, TLanes.Create(1.6666665459e-1f));
        p = TLanes.MultiplyAdd(p, x, TLanes.Create(5.0000001201e-1f));
        return TLanes.MultiplyAdd(p, x * x, x + TLanes.Create(1));
    }
}
