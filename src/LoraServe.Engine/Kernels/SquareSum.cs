using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraServe.Engine.Kernels;

/// <summary>The sum of squares of float32 values, summed in float64 in an order that depends on their number alone.</summary>
internal static unsafe class SquareSum
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Of(ReadOnlySpan<float> values)
    {
        fixed (float* x = values)
        {
            Vector512<double> lower = default, upper = default;
            var i = 0;
            for (; i + Vector512<float>.Count <= values.Length; i += Vector512<float>.Count)
            {
                var (first, second) = Vector512.Widen(Vector512.Load(x + i));
                lower = Vector512.FusedMultiplyAdd(first, first, lower);
                upper = Vector512.FusedMultiplyAdd(second, second, upper);
            }

            var sum = Vector512.Sum(lower + upper);
            for (; i < values.Length; i++) sum += (double)x[i] * x[i];
            return sum;
        }
    }
}
