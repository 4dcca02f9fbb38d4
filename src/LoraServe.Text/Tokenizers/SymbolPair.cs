namespace LoraServe.Text.Tokenizers;

/// <summary>Two neighbouring symbols as a dictionary key.</summary>
internal static class SymbolPair
{
    /// <summary>
    /// A key of its own for every pair. The hash of a long is the exclusive or of its halves, which for two small ids side by side
    /// is nearly always taken; the multiplication, which loses nothing, spreads them.
    /// </summary>
    public static long Key(int left, int right) => unchecked(((long)left << 32 | (uint)right) * -7046029254386353131);
}
