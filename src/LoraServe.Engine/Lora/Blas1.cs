using System.Numerics;

namespace LoraServe.Engine.Lora;

/// <summary>
/// BLAS level 1 (Lawson et al. 1979) in float64: operations on two vectors of the same length, on one thread. libtorch's linear
/// algebra waits for threads that are busy serving requests: small matrices take a hundred times longer there.
/// </summary>
internal static class Blas1
{
    /// <summary>x . y</summary>
    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var sums = Vector<double>.Zero;
        var i = 0;
        for (; i <= x.Length - Vector<double>.Count; i += Vector<double>.Count)
            sums += new Vector<double>(x[i..]) * new Vector<double>(y[i..]);
        var sum = Vector.Sum(sums);
        for (; i < x.Length; i++) sum += x[i] * y[i];
        return sum;
    }

    /// <summary>y becomes y + a x.</summary>
    public static void Axpy(double a, ReadOnlySpan<double> x, Span<double> y)
    {
        var i = 0;
        for (; i <= x.Length - Vector<double>.Count; i += Vector<double>.Count)
            (new Vector<double>(y[i..]) + (a * new Vector<double>(x[i..]))).CopyTo(y[i..]);
        for (; i < x.Length; i++) y[i] += a * x[i];
    }

    /// <summary>(x, y) becomes (c x - s y, s x + c y).</summary>
    public static void Rotate(Span<double> x, Span<double> y, double c, double s)
    {
        var i = 0;
        for (; i <= x.Length - Vector<double>.Count; i += Vector<double>.Count)
        {
            var (xs, ys) = (new Vector<double>(x[i..]), new Vector<double>(y[i..]));
            ((c * xs) - (s * ys)).CopyTo(x[i..]);
            ((s * xs) + (c * ys)).CopyTo(y[i..]);
        }

        for (; i < x.Length; i++) (x[i], y[i]) = ((c * x[i]) - (s * y[i]), (s * x[i]) + (c * y[i]));
    }
}
