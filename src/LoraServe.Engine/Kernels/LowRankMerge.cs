using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LoraServe.Engine.Kernels.Lanes;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// W' = scale * W + B A for bfloat16 W and W', summed in float32 and rounded once. For usual ranks it takes little longer than
/// reading and writing the weights: A stays in the processor's caches while the rows of W stream by.
/// </summary>
internal static unsafe class LowRankMerge
{
    // Rows and columns of a tile: eight accumulators in registers hide the latency of a multiplication.
    private const int TileRows = 4;
    private const int TileColumns = 32;

    // Smallest share of a thread, in weights: fewer would take less time than the hand-over. Not measured.
    private const long LeastShare = 1 << 16;

    /// <summary>Merges rows of one module.</summary>
    /// <param name="w">[rows, columns].</param>
    /// <param name="b">[rows, rank].</param>
    /// <param name="a">[rank, columns].</param>
    /// <param name="scale">[rows], or empty for 1.</param>
    /// <param name="merged">[rows, columns], overlapping nothing.</param>
    /// <param name="columns">Inputs of the module, at least one.</param>
    /// <param name="threads">Most threads to use.</param>
    public static void Run(
        ReadOnlySpan<ushort> w,
        ReadOnlySpan<float> b,
        ReadOnlySpan<float> a,
        ReadOnlySpan<float> scale,
        Span<ushort> merged,
        int columns,
        int threads)
    {
        var (rows, rank) = (w.Length / columns, a.Length / columns);
        if (w.Length != rows * columns || merged.Length != w.Length || a.Length != rank * columns || b.Length != (long)rows * rank
            || (scale.Length != 0 && scale.Length != rows))
        {
            throw new ArgumentException(
                $"{w.Length} weights, {merged.Length} merged ones, {b.Length} of B, {a.Length} of A and {scale.Length} factors do not belong "
                + $"to one module of {columns} columns.", nameof(w));
        }

        fixed (ushort* pw = w, pm = merged)
        fixed (float* pb = b, pa = a, ps = scale)
        {
            var module = new Module(pw, pm, new Update(pb, pa, ps, rank), columns);
            var shares = (int)Math.Clamp(w.Length / LeastShare, 1, threads);
            var share = (rows + shares - 1) / shares;
            ThreadTeam.Run(threads, shares, i => module.Merge((int)i * share, Math.Min(((int)i + 1) * share, rows)));
        }
    }

    // Scale is null for 1.
    private readonly struct Update(float* b, float* a, float* scale, int rank)
    {
        public readonly float* B = b;
        public readonly float* A = a;
        public readonly float* Scale = scale;
        public readonly int Rank = rank;
    }

    private sealed class Module(ushort* w, ushort* merged, Update update, int columns)
    {
        // Optimised from the first call on: tiered compilation would profile during the first merge and slow it down.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Merge(int from, int to)
        {
            for (var row = from; row < to; row += TileRows)
            {
                var column = 0;
                for (; column + TileColumns <= columns; column += TileColumns) MergeTile(row, to - 1, column);
                for (; column < columns; column++)
                {
                    for (var i = row; i < Math.Min(row + TileRows, to); i++) MergeElement(i, column);
                }
            }
        }

        // Rows past the last one repeat it, which writes the same values again.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void MergeTile(int row0, int last, int column)
        {
            var (row1, row2, row3) = (Math.Min(row0 + 1, last), Math.Min(row0 + 2, last), Math.Min(row0 + 3, last));
            float* a = update.A, b = update.B;
            var rank = update.Rank;
            float* b0 = b + ((long)row0 * rank), b1 = b + ((long)row1 * rank), b2 = b + ((long)row2 * rank), b3 = b + ((long)row3 * rank);
            Vector512<float> x0 = default, x1 = default, x2 = default, x3 = default;
            Vector512<float> y0 = default, y1 = default, y2 = default, y3 = default;
            var ak = a + column;
            for (var k = 0; k < rank; k++, ak += columns)
            {
                var x = Vector512.Load(ak);
                var y = Vector512.Load(ak + Vector512<float>.Count);
                x0 = Vector512.FusedMultiplyAdd(x, Vector512.Create(b0[k]), x0);
                y0 = Vector512.FusedMultiplyAdd(y, Vector512.Create(b0[k]), y0);
                x1 = Vector512.FusedMultiplyAdd(x, Vector512.Create(b1[k]), x1);
                y1 = Vector512.FusedMultiplyAdd(y, Vector512.Create(b1[k]), y1);
                x2 = Vector512.FusedMultiplyAdd(x, Vector512.Create(b2[k]), x2);
                y2 = Vector512.FusedMultiplyAdd(y, Vector512.Create(b2[k]), y2);
                x3 = Vector512.FusedMultiplyAdd(x, Vector512.Create(b3[k]), x3);
                y3 = Vector512.FusedMultiplyAdd(y, Vector512.Create(b3[k]), y3);
            }

            Finish(row0, column, x0, y0);
            Finish(row1, column, x1, y1);
            Finish(row2, column, x2, y2);
            Finish(row3, column, x3, y3);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Finish(int row, int column, Vector512<float> x, Vector512<float> y)
        {
            var at = ((long)row * columns) + column;
            var (first, second) = BFloat16.Widen(Vector512.Load(w + at));
            var factor = Vector512.Create(Factor(row));
            var sum = BFloat16.Round(Vector512.FusedMultiplyAdd(first, factor, x), Vector512.FusedMultiplyAdd(second, factor, y));

            // Bypasses the caches where alignment allows: the slot is not read before the merge is complete.
            if ((nuint)(merged + at) % 64 == 0) sum.StoreAlignedNonTemporal(merged + at);
            else sum.Store(merged + at);
        }

        private void MergeElement(int row, int column)
        {
            float* a = update.A, b = update.B;
            var rank = update.Rank;
            var sum = 0f;
            for (var k = 0; k < rank; k++) sum = MathF.FusedMultiplyAdd(a[((long)k * columns) + column], b[((long)row * rank) + k], sum);
            var at = ((long)row * columns) + column;
            merged[at] = BFloat16.Round(MathF.FusedMultiplyAdd(BFloat16.Widen(w[at]), Factor(row), sum));
        }

        private float Factor(int row) => update.Scale is null ? 1 : update.Scale[row];
    }
}
