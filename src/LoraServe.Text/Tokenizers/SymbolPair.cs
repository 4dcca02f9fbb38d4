namespace LoraServe.Text.Tokenizers;

/// <summary>Two adjacent symbols as a dictionary key.</summary>
internal static class SymbolPair
{
    /// <summary>
    /// A unique key for each pair. The hash of a long is the XOR of its halves, which collides for most pairs of small ids; multiplying
    /// by an odd constant, which is invertible, spreads them.
    /// </summary>
    public static long Key(int left, int right) => unchecked(((long)left << 32 | (uint)right) * -7046029254386353131);
}
