namespace LoraServe.Text.Tokenizers.PreTokenization;

/// <summary>A part of the text that the model encodes independently of its neighbours.</summary>
/// <param name="Source">the text that holds the piece</param>
/// <param name="Start">the start of the piece in the source, in chars</param>
/// <param name="Length">its length in chars, never 0</param>
/// <param name="IsFirst">whether the piece starts where the whole input starts</param>
internal readonly record struct Piece(string Source, int Start, int Length, bool IsFirst)
{
    public ReadOnlySpan<char> Text => Source.AsSpan(Start, Length);

    /// <summary>The part from <paramref name="start"/> to <paramref name="end"/>, counted from the start of this piece.</summary>
    public Piece Slice(int start, int end) => new(Source, Start + start, end - start, IsFirst && start == 0);
}
