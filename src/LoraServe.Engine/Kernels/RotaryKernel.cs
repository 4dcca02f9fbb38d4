using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraServe.Engine.Kernels;

/// <summary>Rotates the halves of heads by the angles of their positions (Su et al. 2021), in place, computed in float32.</summary>
/// <typeparam name="T">The element.</typeparam>
/// <typeparam name="TElements">How it is read and written.</typeparam>
internal static unsafe class RotaryKernel<T, TElements>
    where T : unmanaged
    where TElements : struct, IVectorElements<T>
{
    private static readonly int Width = Vector256<float>.Count;

    /// <summary>x1 cos - x2 sin and x2 cos + x1 sin.</summary>
    /// <param name="x">[tokens, heads, headDim].</param>
    /// <param name="cosine">[tokens, headDim / 2].</param>
    /// <param name="sine">[tokens, headDim / 2].</param>
    /// <param name="heads">Heads.</param>
    /// <param name="headDim">A multiple of 32.</param>
    /// <param name="direction">1, or -1 to rotate back.</param>
    /// <param name="from">The first token.</param>
    /// <param name="to">The token after the last.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(T* x, float* cosine, float* sine, int heads, int headDim, float direction, long from, long to)
    {
        var half = headDim / 2;
        var sign = Vector256.Create(direction);
        for (var token = from; token < to; token++)
        {
            float* c = cosine + (token * half), s = sine + (token * half);
            for (var head = 0; head < heads; head++)
            {
                var first = x + (((token * heads) + head) * headDim);
                var second = first + half;
                for (var i = 0; i < half; i += Width)
                {
                    var (cos, sin) = (Vector256.Load(c + i), Vector256.Load(s + i) * sign);
                    var (a, b) = (TElements.Load(first + i), TElements.Load(second + i));
                    TElements.Store((a * cos) - (b * sin), first + i);
                    TElements.Store((b * cos) + (a * sin), second + i);
                }
            }
        }
    }
}
