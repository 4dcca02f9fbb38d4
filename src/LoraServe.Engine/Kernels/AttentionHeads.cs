namespace LoraServe.Engine.Kernels;

/// <summary>The memory layout of attention tensors: [tokens, heads, headDim] or [tokens, kvHeads, headDim], contiguous.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KvHeads">Key and value heads, each shared by Heads / KvHeads adjacent query heads.</param>
/// <param name="HeadDim">Elements of a head.</param>
/// <param name="Window">How many positions back a token sees, itself included; null sees all.</param>
internal readonly record struct AttentionHeads(int Heads, int KvHeads, int HeadDim, int? Window)
{
    /// <summary>The factor on scores, 1 / sqrt(headDim).</summary>
    public float Scale => (float)(1 / Math.Sqrt(HeadDim));

    /// <summary>Elements of a token's queries.</summary>
    public int QuerySize => Heads * HeadDim;

    /// <summary>Elements of a token's keys.</summary>
    public int KeySize => KvHeads * HeadDim;

    /// <summary>Query heads per key head.</summary>
    public int Group => Heads / KvHeads;
}
