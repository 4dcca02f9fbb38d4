using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LoraServe.Engine.Kernels.Lanes;

namespace LoraServe.Engine.Kernels;

/// <summary>silu(gate) * up (Shazeer 2020), forward and backward, computed in float32 for any element type.</summary>
/// <typeparam name="T">The element.</typeparam>
/// <typeparam name="TElements">How it is read and written.</typeparam>
internal static unsafe class SwiGluKernel<T, TElements>
    where T : unmanaged
    where TElements : struct, IVectorElements<T>
{
    private static readonly int Width = Vector256<float>.Count;

    /// <summary>result = silu(gate) * up for the elements from a multiple of 8 to before another one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(T* gate, T* up, T* result, long from, long to)
    {
        for (var i = from; i < to; i += Width)
        {
            var x = TElements.Load(gate + i);
            TElements.Store(x * Sigmoid(x) * TElements.Load(up + i), result + i);
        }
    }

    /// <summary>dup = dy silu(gate), dgate = dy up silu'(gate), silu'(x) = sigmoid(x) (1 + x (1 - sigmoid(x))).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(T* dy, T* gate, T* up, T* dgate, T* dup, long from, long to)
    {
        for (var i = from; i < to; i += Width)
        {
            var (x, gradient) = (TElements.Load(gate + i), TElements.Load(dy + i));
            var sigmoid = Sigmoid(x);
            var silu = x * sigmoid;
            var slope = Vector256.FusedMultiplyAdd(silu, Vector256<float>.One - sigmoid, sigmoid);
            TElements.Store(gradient * TElements.Load(up + i) * slope, dgate + i);
            TElements.Store(gradient * silu, dup + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Sigmoid(Vector256<float> x) => Vector256<float>.One / (Vector256<float>.One + Lanes8.Exp(new Lanes8(-x)).Value);
}
