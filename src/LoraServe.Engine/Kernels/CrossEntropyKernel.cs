using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LoraServe.Engine.Kernels.Lanes;

namespace LoraServe.Engine.Kernels;

/// <summary>Cross-entropy of rows of logits and, in their place, its gradient: weight * (softmax(logits) - one at the target).</summary>
/// <typeparam name="T">The element.</typeparam>
/// <typeparam name="TElements">How it is read and written.</typeparam>
internal static unsafe class CrossEntropyKernel<T, TElements>
    where T : unmanaged
    where TElements : struct, IVectorElements<T>
{
    private static readonly int Width = Vector256<float>.Count;

    /// <summary>Computes one row.</summary>
    /// <param name="logits">[size]; becomes the gradient unless the weight is 0.</param>
    /// <param name="size">A multiple of 8.</param>
    /// <param name="target">The target token.</param>
    /// <param name="weight">The loss weight, a factor on the gradient; 0 computes no gradient.</param>
    /// <returns>The unweighted loss in nats, and whether no other token is more probable.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (double Loss, bool IsCorrect) Row(T* logits, int size, long target, float weight)
    {
        var most = TElements.Load(logits);
        for (var i = Width; i < size; i += Width) most = Vector256.Max(most, TElements.Load(logits + i));
        var highest = most[0];
        for (var i = 1; i < Width; i++) highest = Math.Max(highest, most[i]);

        var (shift, sums) = (Vector256.Create(highest), Vector256<float>.Zero);
        for (var i = 0; i < size; i += Width) sums += Exp(TElements.Load(logits + i) - shift);
        var sum = Vector256.Sum(sums);
        var block = target / Width * Width;
        var own = TElements.Load(logits + block)[(int)(target - block)];
        if (weight != 0)
        {
            var scale = Vector256.Create(weight / sum);
            for (var i = 0; i < size; i += Width) TElements.Store(Exp(TElements.Load(logits + i) - shift) * scale, logits + i);
            var row = (MathF.Exp(own - highest) / sum) - 1;
            TElements.Store(TElements.Load(logits + block).WithElement((int)(target - block), weight * row), logits + block);
        }

        return (Math.Log(sum) - (own - highest), own == highest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Exp(Vector256<float> x) => Lanes8.Exp(new Lanes8(x)).Value;
}
