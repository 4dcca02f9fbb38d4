using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraServe.Engine.Kernels;

/// <summary>Root mean square normalization of rows, forward and backward, computed in float32 for any element type.</summary>
/// <typeparam name="T">The element.</typeparam>
/// <typeparam name="TElements">How it is read and written.</typeparam>
internal static unsafe class RmsNormKernel<T, TElements>
    where T : unmanaged
    where TElements : struct, IVectorElements<T>
{
    private static readonly int Width = Vector256<float>.Count;

    /// <summary>y = w * n with n = x / sqrt(mean(x^2) + epsilon), n rounded to the element first.</summary>
    /// <param name="x">[rows, size].</param>
    /// <param name="w">[size].</param>
    /// <param name="y">[rows, size].</param>
    /// <param name="size">A multiple of 8.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="from">The first row.</param>
    /// <param name="to">The row after the last.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(T* x, T* w, T* y, int size, float epsilon, long from, long to)
    {
        for (var row = from; row < to; row++)
        {
            T* xr = x + (row * size), yr = y + (row * size);
            var inverse = Vector256.Create(Inverse(xr, size, epsilon));
            for (var i = 0; i < size; i += Width)
            {
                TElements.Store(TElements.Load(xr + i) * inverse, yr + i);
                TElements.Store(TElements.Load(yr + i) * TElements.Load(w + i), yr + i);
            }
        }
    }

    /// <summary>dx = (dn - n mean(dn * n)) / rms(x) + rest with dn = dy * w.</summary>
    /// <param name="dy">[rows, size].</param>
    /// <param name="x">[rows, size].</param>
    /// <param name="w">[size].</param>
    /// <param name="rest">[rows, size], a further gradient added to dx, or null.</param>
    /// <param name="dx">[rows, size]; may be dy or rest.</param>
    /// <param name="size">A multiple of 8.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="from">The first row.</param>
    /// <param name="to">The row after the last.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(T* dy, T* x, T* w, T* rest, T* dx, int size, float epsilon, long from, long to)
    {
        for (var row = from; row < to; row++)
        {
            T* dyr = dy + (row * size), xr = x + (row * size), dxr = dx + (row * size);
            var (squares, products) = (Vector256<float>.Zero, Vector256<float>.Zero);
            for (var i = 0; i < size; i += Width)
            {
                var value = TElements.Load(xr + i);
                squares = Vector256.FusedMultiplyAdd(value, value, squares);
                products = Vector256.FusedMultiplyAdd(TElements.Load(dyr + i) * TElements.Load(w + i), value, products);
            }

            var inverse = 1 / MathF.Sqrt((Vector256.Sum(squares) / size) + epsilon);
            var mean = Vector256.Sum(products) / size * inverse * inverse;
            var (scale, share) = (Vector256.Create(inverse), Vector256.Create(-mean * inverse));
            for (var i = 0; i < size; i += Width)
            {
                var gradient = TElements.Load(dyr + i) * TElements.Load(w + i) * scale;
                gradient = Vector256.FusedMultiplyAdd(TElements.Load(xr + i), share, gradient);
                if (rest is not null) gradient += TElements.Load(rest + (row * size) + i);
                TElements.Store(gradient, dxr + i);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Inverse(T* x, int size, float epsilon)
    {
        var squares = Vector256<float>.Zero;
        for (var i = 0; i < size; i += Width)
        {
            var value = TElements.Load(x + i);
            squares = Vector256.FusedMultiplyAdd(value, value, squares);
        }

        return 1 / MathF.Sqrt((Vector256.Sum(squares) / size) + epsilon);
    }
}
