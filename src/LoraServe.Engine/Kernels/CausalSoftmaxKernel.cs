using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LoraServe.Engine.Kernels.Lanes;

namespace LoraServe.Engine.Kernels;

/// <summary>Softmax over the scores of the keys visible to a query, forward and backward, in place.</summary>
internal static unsafe class CausalSoftmaxKernel
{
    private static readonly int Width = Vector256<float>.Count;

    /// <summary>Turns the scores of adjacent queries into probabilities.</summary>
    /// <param name="scores">[heads * queries, keys], contiguous.</param>
    /// <param name="from">The first row.</param>
    /// <param name="to">The row after the last.</param>
    /// <param name="queries">Adjacent queries, repeated for each head.</param>
    /// <param name="keys">Elements of a row.</param>
    /// <param name="position">Index of the first query among the keys.</param>
    /// <param name="window">How many positions back a query sees, itself included; null sees all.</param>
    /// <param name="scale">Scores are multiplied by it first; above 0.</param>
    public static void Forward(float* scores, long from, long to, int queries, int keys, int position, int? window, float scale)
    {
        for (var row = from; row < to; row++)
        {
            var last = position + (int)(row % queries);
            var first = window is { } w ? Math.Max(last - w + 1, 0) : 0;
            Forward(scores + (row * keys), keys, first, last + 1, scale);
        }
    }

    /// <summary>Turns scores into probabilities, 0 for keys outside the range.</summary>
    /// <param name="row">[size].</param>
    /// <param name="size">Keys.</param>
    /// <param name="from">The first key that the query sees.</param>
    /// <param name="to">The key after the last that it sees; more than <paramref name="from"/>.</param>
    /// <param name="scale">Scores are multiplied by it first; above 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(float* row, int size, int from, int to, float scale)
    {
        new Span<float>(row, from).Clear();
        new Span<float>(row + to, size - to).Clear();
        var start = row + from;
        var count = to - from;
        var whole = count - (count % Width);
        var highest = float.NegativeInfinity;
        if (whole > 0)
        {
            var most = Vector256.Load(start);
            for (var i = Width; i < whole; i += Width) most = Vector256.Max(most, Vector256.Load(start + i));
            for (var i = 0; i < Width; i++) highest = Math.Max(highest, most[i]);
        }

        for (var i = whole; i < count; i++) highest = Math.Max(highest, start[i]);
        var (sums, shift, factor) = (Vector256<float>.Zero, Vector256.Create(-highest * scale), Vector256.Create(scale));
        for (var i = 0; i < whole; i += Width)
        {
            var value = Lanes8.Exp(new Lanes8(Vector256.FusedMultiplyAdd(Vector256.Load(start + i), factor, shift))).Value;
            value.Store(start + i);
            sums += value;
        }

        var sum = Vector256.Sum(sums);
        for (var i = whole; i < count; i++) sum += start[i] = MathF.Exp((start[i] - highest) * scale);
        var inverse = 1 / sum;
        for (var i = 0; i < whole; i += Width) (Vector256.Load(start + i) * inverse).Store(start + i);
        for (var i = whole; i < count; i++) start[i] *= inverse;
    }

    /// <summary>Turns gradients of probabilities into those of scores: scale * p * (dp - sum(dp * p)).</summary>
    /// <param name="p">Probabilities [size].</param>
    /// <param name="dp">Their gradients [size].</param>
    /// <param name="size">Keys.</param>
    /// <param name="scale">The scale of the forward pass.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(float* p, float* dp, int size, float scale)
    {
        var whole = size - (size % Width);
        var sums = Vector256<float>.Zero;
        for (var i = 0; i < whole; i += Width) sums = Vector256.FusedMultiplyAdd(Vector256.Load(p + i), Vector256.Load(dp + i), sums);
        var sum = Vector256.Sum(sums);
        for (var i = whole; i < size; i++) sum += p[i] * dp[i];
        var shift = Vector256.Create(sum);
        for (var i = 0; i < whole; i += Width)
            ((Vector256.Load(dp + i) - shift) * (Vector256.Load(p + i) * scale)).Store(dp + i);
        for (var i = whole; i < size; i++) dp[i] = (dp[i] - sum) * (p[i] * scale);
    }
}
