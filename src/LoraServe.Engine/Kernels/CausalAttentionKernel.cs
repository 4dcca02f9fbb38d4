using System.Buffers;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// softmax(q k^T / sqrt(d)) v of one key head in one example, forward and backward in float32, a block of queries at a time: the backward
/// pass recomputes the probabilities (Dao et al. 2022, section 3.1), so that memory grows linearly with the length, not quadratically.
/// </summary>
internal static unsafe class CausalAttentionKernel
{
    // Queries per block. Keys that none of them sees are skipped.
    private const int BlockSize = 64;

    /// <summary>Computes the result.</summary>
    /// <param name="query">The example's queries.</param>
    /// <param name="key">Its keys.</param>
    /// <param name="value">Its values.</param>
    /// <param name="result">Shaped like the queries; written for the heads of the group.</param>
    /// <param name="length">Tokens of the example.</param>
    /// <param name="heads">Their layout.</param>
    /// <param name="kvHead">The head of keys.</param>
    public static void Forward(float* query, float* key, float* value, float* result, int length, AttentionHeads heads, int kvHead)
    {
        key += kvHead * heads.HeadDim;
        value += kvHead * heads.HeadDim;
        var scores = ArrayPool<float>.Shared.Rent(BlockSize * length);
        fixed (float* p = scores)
        {
            foreach (var (start, count, firstKey, keys) in AttentionBlock.Of(length, heads.Window, BlockSize))
            {
                for (var head = kvHead * heads.Group; head < (kvHead + 1) * heads.Group; head++)
                {
                    var offset = ((long)start * heads.QuerySize) + (head * heads.HeadDim);
                    Probabilities(query + offset, key + ((long)firstKey * heads.KeySize), p, start, count, firstKey, keys, heads);
                    var attended = new ProductPart(
                        Lines(value + ((long)firstKey * heads.KeySize), heads.KeySize, isContiguous: false),
                        heads.HeadDim, (nint)(result + offset), heads.QuerySize);
                    MatrixProduct.Run(Lines(p, keys, isContiguous: true), count, keys, [attended], threads: 1);
                }
            }
        }

        ArrayPool<float>.Shared.Return(scores);
    }

    /// <summary>Computes the gradients of the query heads of the group and adds to those of the key head.</summary>
    /// <param name="dy">Gradient of the result, like the queries.</param>
    /// <param name="query">The queries of the forward pass.</param>
    /// <param name="key">The keys.</param>
    /// <param name="value">The values.</param>
    /// <param name="dquery">Gradients of queries, overwritten.</param>
    /// <param name="dkey">Gradients of keys, added to.</param>
    /// <param name="dvalue">Gradients of values, added to.</param>
    /// <param name="length">Tokens of the example.</param>
    /// <param name="heads">Their layout.</param>
    /// <param name="kvHead">The head of keys.</param>
    public static void Backward(
        float* dy, float* query, float* key, float* value, float* dquery, float* dkey, float* dvalue, int length, AttentionHeads heads, int kvHead)
    {
        var (dim, kvOffset) = (heads.HeadDim, kvHead * heads.HeadDim);
        var buffer = ArrayPool<float>.Shared.Rent(2 * BlockSize * length);
        fixed (float* p = buffer)
        {
            var ds = p + (BlockSize * (long)length);
            foreach (var (start, count, firstKey, keys) in AttentionBlock.Of(length, heads.Window, BlockSize))
            {
                var keyOffset = ((long)firstKey * heads.KeySize) + kvOffset;
                for (var head = kvHead * heads.Group; head < (kvHead + 1) * heads.Group; head++)
                {
                    var offset = ((long)start * heads.QuerySize) + (head * dim);
                    Probabilities(query + offset, key + keyOffset, p, start, count, firstKey, keys, heads);

                    // dP = dO V^T, dS = scale * P * (dP - sum(dP * P)).
                    var dp = new ProductPart(Lines(value + keyOffset, heads.KeySize, isContiguous: true), keys, (nint)ds, keys);
                    MatrixProduct.Run(Lines(dy + offset, heads.QuerySize, isContiguous: true), count, dim, [dp], threads: 1);
                    for (var row = 0L; row < count; row++) CausalSoftmaxKernel.Backward(p + (row * keys), ds + (row * keys), keys, heads.Scale);

                    // dV = P^T dO, dK = dS^T Q, dQ = dS K.
                    Add(p, keys, count, dy + offset, dvalue + keyOffset, heads);
                    Add(ds, keys, count, query + offset, dkey + keyOffset, heads);
                    var dq = new ProductPart(Lines(key + keyOffset, heads.KeySize, isContiguous: false), dim, (nint)(dquery + offset), heads.QuerySize);
                    MatrixProduct.Run(Lines(ds, keys, isContiguous: true), count, keys, [dq], threads: 1);
                }
            }
        }

        ArrayPool<float>.Shared.Return(buffer);
    }

    // [count, keys] of one head.
    private static void Probabilities(float* query, float* key, float* p, int start, int count, int firstKey, int keys, AttentionHeads heads)
    {
        var scores = new ProductPart(Lines(key, heads.KeySize, isContiguous: true), keys, (nint)p, keys);
        MatrixProduct.Run(Lines(query, heads.QuerySize, isContiguous: true), count, heads.HeadDim, [scores], threads: 1);
        CausalSoftmaxKernel.Forward(p, 0, count, count, keys, start - firstKey, heads.Window, heads.Scale);
    }

    // Adds left^T right to the sum, left [count, keys], right [count, headDim] of queries, the sum [keys, headDim] of keys.
    private static void Add(float* left, int keys, int count, float* right, float* sum, AttentionHeads heads)
    {
        var part = new ProductPart(Lines(right, heads.QuerySize, isContiguous: false), heads.HeadDim, (nint)sum, heads.KeySize, Adds: true);
        MatrixProduct.Run(Lines(left, keys, isContiguous: false), keys, count, [part], threads: 1);
    }

    private static ProductFactor Lines(float* data, long stride, bool isContiguous) => new((nint)data, stride, isContiguous, IsBFloat16: false);
}
