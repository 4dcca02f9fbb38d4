namespace LoraServe.Engine.Kernels;

/// <summary>Memory layout of attention tensors: [tokens, heads, headDim] or [tokens, kvHeads, headDim], contiguous.</summary>
/// <param name="Heads">Heads of queries.</param>
/// <param name="KvHeads">Heads of keys and values, each of which serves as many adjacent heads of queries.</param>
/// <param name="HeadDim">Elements of a head.</param>
/// <param name="Window">How many positions back a token sees, itself included; null sees all.</param>
internal readonly record struct AttentionHeads(int Heads, int KvHeads, int HeadDim, int? Window)
{
    /// <summary>What scores are multiplied by.</summary>
    public float Scale => (float)(1 / Math.Sqrt(HeadDim));

    /// <summary>Elements of a token's queries.</summary>
    public int QuerySize => Heads * HeadDim;

    /// <summary>Elements of a token's keys.</summary>
    public int KeySize => KvHeads * HeadDim;

    /// <summary>Heads of queries for each of keys.</summary>
    public int Group => Heads / KvHeads;
}
