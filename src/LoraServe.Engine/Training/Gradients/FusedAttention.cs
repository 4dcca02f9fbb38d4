using LoraServe.Engine.Kernels;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>Attention of all examples and heads by <see cref="CausalAttentionKernel"/>, each head of keys on one thread.</summary>
internal static unsafe class FusedAttention
{
    /// <summary>Whether tensors of this kind are supported.</summary>
    public static bool Support(Tensor query) => Products.AreOurs(query);

    /// <summary>Computes the result [tokens, heads * headDim].</summary>
    public static void Forward(Tensor query, Tensor key, Tensor value, IReadOnlyList<int> lengths, AttentionHeads heads, Tensor result)
    {
        float* q = FusedSteps.Of<float>(query), k = FusedSteps.Of<float>(key), v = FusedSteps.Of<float>(value), r = FusedSteps.Of<float>(result);
        ByHeads(lengths, heads, (token, length, head) =>
        {
            var (row, keyRow) = (token * heads.QuerySize, token * heads.KeySize);
            CausalAttentionKernel.Forward(q + row, k + keyRow, v + keyRow, r + row, length, heads, head);
        });
    }

    /// <summary>Computes the gradients; those of keys and values are added to.</summary>
    public static void Backward(
        Tensor dy, Tensor query, Tensor key, Tensor value, IReadOnlyList<int> lengths, AttentionHeads heads, Tensor dquery, Tensor dkey, Tensor dvalue)
    {
        float* d = FusedSteps.Of<float>(dy), q = FusedSteps.Of<float>(query), k = FusedSteps.Of<float>(key), v = FusedSteps.Of<float>(value);
        float* dq = FusedSteps.Of<float>(dquery), dk = FusedSteps.Of<float>(dkey), dv = FusedSteps.Of<float>(dvalue);
        ByHeads(lengths, heads, (token, length, head) =>
        {
            var (row, keyRow) = (token * heads.QuerySize, token * heads.KeySize);
            CausalAttentionKernel.Backward(
                d + row, q + row, k + keyRow, v + keyRow, dq + row, dk + keyRow, dv + keyRow, length, heads, head);
        });
    }

    private static void ByHeads(IReadOnlyList<int> lengths, AttentionHeads heads, Action<long, int, int> work)
    {
        var starts = new long[lengths.Count];
        for (var i = 1; i < starts.Length; i++) starts[i] = starts[i - 1] + lengths[i - 1];
        ThreadTeam.Run(get_num_threads(), (long)lengths.Count * heads.KvHeads, share =>
        {
            var (example, head) = Math.DivRem((int)share, heads.KvHeads);
            work(starts[example], lengths[example], head);
        });
    }
}
