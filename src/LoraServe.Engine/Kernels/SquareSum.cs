using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraServe.Engine.Kernels;

/// <summary>The sum of squares of float32 values, summed in float64 in an order that depends only on their number.</summary>
internal static unsafe class SquareSum
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Of(ReadOnlySpan<float> values)
    {
        fixed (float* x = values)
        {
            Vector256<double> lower = default, upper = default;
            var i = 0;
            for (; i + Vector256<float>.Count <= values.Length; i += Vector256<float>.Count)
            {
                var (first, second) = Vector256.Widen(Vector256.Load(x + i));
                lower = Vector256.FusedMultiplyAdd(first, first, lower);
                upper = Vector256.FusedMultiplyAdd(second, second, upper);
            }

            var sum = Vector256.Sum(lower + upper);
            for (; i < values.Length; i++) sum += (double)x[i] * x[i];
            return sum;
        }
    }
}
