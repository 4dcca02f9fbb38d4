using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using LoraServe.Engine.Kernels.Lanes;

namespace LoraServe.Engine.Kernels.Decoding;

/// <summary>
/// Softmax attention over a piece of a context, in the blocks of the cache where it lies. Keys are stored by dimension, so that the scores of a
/// block's tokens are a vector and need no sum across it; values are stored by token, so that the result is one.
/// </summary>
internal static unsafe class PagedAttention<TLanes, T, TElements>
    where TLanes : struct, ILanes<TLanes>
    where T : unmanaged
    where TElements : struct, IElements<T>
{
    // Queries computed together, which share what is read of the cache.
    private const int Tile = 4;

    private const int CacheLine = 64;

    public static void Attend(in AttentionPiece piece, in AttentionShape shape)
    {
        var (first, last) = Seen(piece, shape);
        ReadAhead(piece, shape, first, last);
        for (var query = 0; query < piece.Count; query += Tile)
        {
            for (var start = first; start < last; start += shape.BlockSize) Score(piece, shape, query, start);
        }

        for (var query = 0; query < piece.Count; query++) Weigh(piece, shape, query, first, last);
        for (var query = 0; query < piece.Count; query += Tile) Sum(piece, shape, query, first, last);
    }

    // The positions of the piece that any query sees, from the start of a block on.
    private static (int First, int Last) Seen(in AttentionPiece piece, in AttentionShape shape)
    {
        var (first, last) = (int.MaxValue, 0);
        for (var query = 0; query < piece.Count; query++)
        {
            first = Math.Min(first, piece.Ranges[query].Start);
            last = Math.Max(last, piece.Ranges[query].End);
        }

        return (Math.Max(first / shape.BlockSize * shape.BlockSize, piece.Start), Math.Min(last, piece.Start + shape.PieceSize));
    }

    // The cache is read in short runs, at whose beginnings the processor would wait for memory.
    private static void ReadAhead(in AttentionPiece piece, in AttentionShape shape, int first, int last)
    {
        if (!Sse.IsSupported) return;
        var bytes = shape.HeadDim * shape.BlockSize * sizeof(T);
        foreach (var head in stackalloc[] { (nint)piece.Keys, (nint)piece.Values })
        {
            for (var start = first; start < last; start += shape.BlockSize)
            {
                var block = (byte*)((T*)head + (piece.Blocks[start / shape.BlockSize] * shape.BlockStride));
                for (var line = 0; line < bytes; line += CacheLine) Sse.Prefetch1(block + line);
            }
        }
    }

    // Queries past the last one repeat it, which writes the same scores again.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score(in AttentionPiece piece, in AttentionShape shape, int query, int start)
    {
        var (headDim, blockSize, last) = (shape.HeadDim, shape.BlockSize, piece.Count - 1);
        var keys = (T*)piece.Keys + (piece.Blocks[start / blockSize] * shape.BlockStride);
        float* q0 = piece.Queries + (query * headDim);
        float* q1 = piece.Queries + (Math.Min(query + 1, last) * headDim);
        float* q2 = piece.Queries + (Math.Min(query + 2, last) * headDim);
        float* q3 = piece.Queries + (Math.Min(query + 3, last) * headDim);
        var to = piece.Scores + (start - piece.Start);
        for (var i = 0; i < blockSize; i += TLanes.Count)
        {
            var key = keys + i;
            TLanes s0 = default, s1 = default, s2 = default, s3 = default;
            for (var d = 0; d < headDim; d++, key += blockSize)
            {
                var k = TElements.Load<TLanes>(key);
                s0 = TLanes.MultiplyAdd(TLanes.Create(q0[d]), k, s0);
                s1 = TLanes.MultiplyAdd(TLanes.Create(q1[d]), k, s1);
                s2 = TLanes.MultiplyAdd(TLanes.Create(q2[d]), k, s2);
                s3 = TLanes.MultiplyAdd(TLanes.Create(q3[d]), k, s3);
            }

            TLanes.Store(s0, to + i + (query * shape.PieceSize));
            TLanes.Store(s1, to + i + (Math.Min(query + 1, last) * shape.PieceSize));
            TLanes.Store(s2, to + i + (Math.Min(query + 2, last) * shape.PieceSize));
            TLanes.Store(s3, to + i + (Math.Min(query + 3, last) * shape.PieceSize));
        }
    }

    // Scores to exp(score - largest), and 0 where the query does not see.
    private static void Weigh(in AttentionPiece piece, in AttentionShape shape, int query, int first, int last)
    {
        var scores = piece.Scores + (query * shape.PieceSize) - piece.Start;
        ref var part = ref piece.Parts[query];
        var (from, to) = (Math.Max(piece.Ranges[query].Start, first), Math.Min(piece.Ranges[query].End, last));
        if (from >= to)
        {
            (part.Largest, part.Weight) = (float.NegativeInfinity, 0);
            for (var i = first; i < last; i++) scores[i] = 0;
            return;
        }

        var end = (last + shape.BlockSize - 1) / shape.BlockSize * shape.BlockSize;
        for (var i = first; i < from; i++) scores[i] = float.NegativeInfinity;
        for (var i = to; i < end; i++) scores[i] = float.NegativeInfinity;
        var largest = TLanes.Load(scores + first);
        for (var i = first + TLanes.Count; i < end; i += TLanes.Count) largest = TLanes.Max(largest, TLanes.Load(scores + i));
        part.Largest = TLanes.Largest(largest);
        largest = TLanes.Create(part.Largest);
        for (var i = first; i < end; i += TLanes.Count) TLanes.Store(TLanes.Exp(TLanes.Load(scores + i) - largest), scores + i);
        for (var i = first; i < from; i++) scores[i] = 0;
        for (var i = to; i < end; i++) scores[i] = 0;
        TLanes weight = default;
        for (var i = first; i < end; i += TLanes.Count) weight += TLanes.Load(scores + i);
        part.Weight = TLanes.Sum(weight);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(in AttentionPiece piece, in AttentionShape shape, int query, int first, int last)
    {
        var count = piece.Count - 1;
        var scores = piece.Scores - piece.Start;
        float* p0 = scores + (query * shape.PieceSize);
        float* p1 = scores + (Math.Min(query + 1, count) * shape.PieceSize);
        float* p2 = scores + (Math.Min(query + 2, count) * shape.PieceSize);
        float* p3 = scores + (Math.Min(query + 3, count) * shape.PieceSize);
        float* to0 = piece.Parts[query].Sum, to1 = piece.Parts[Math.Min(query + 1, count)].Sum;
        float* to2 = piece.Parts[Math.Min(query + 2, count)].Sum, to3 = piece.Parts[Math.Min(query + 3, count)].Sum;
        for (var d = 0; d < shape.HeadDim; d += TLanes.Count)
        {
            TLanes s0 = default, s1 = default, s2 = default, s3 = default;
            for (var start = first; start < last; start += shape.BlockSize)
            {
                var values = (T*)piece.Values + (piece.Blocks[start / shape.BlockSize] * shape.BlockStride) + d;
                var end = Math.Min(start + shape.BlockSize, last);
                for (var i = start; i < end; i++, values += shape.HeadDim)
                {
                    var v = TElements.Load<TLanes>(values);
                    s0 = TLanes.MultiplyAdd(TLanes.Create(p0[i]), v, s0);
                    s1 = TLanes.MultiplyAdd(TLanes.Create(p1[i]), v, s1);
                    s2 = TLanes.MultiplyAdd(TLanes.Create(p2[i]), v, s2);
                    s3 = TLanes.MultiplyAdd(TLanes.Create(p3[i]), v, s3);
                }
            }

            TLanes.Store(s0, to0 + d);
            TLanes.Store(s1, to1 + d);
            TLanes.Store(s2, to2 + d);
            TLanes.Store(s3, to3 + d);
        }
    }
}
