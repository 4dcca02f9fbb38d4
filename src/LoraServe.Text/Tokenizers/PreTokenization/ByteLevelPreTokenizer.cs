using LoraServe.Text.Tokenizers.Patterns;

namespace LoraServe.Text.Tokenizers.PreTokenization;

/// <summary>Splits into words (unless another step did) and writes each in the byte-level alphabet.</summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool splitWords) : PreTokenizer
{
    private static readonly SplitPreTokenizer Words = new(
        Pattern.Regex(@"'(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"), SplitBehavior.Isolated);

    public static new ByteLevelPreTokenizer Read(JsonField field) =>
        new(field["add_prefix_space"].AsBool(), field.Optional("use_regex")?.AsBool() ?? true);

    public override List<Piece> Split(List<Piece> pieces)
    {
        if (addPrefixSpace) pieces = pieces.ConvertAll(WithPrefixSpace);
        if (splitWords) pieces = Words.Split(pieces);
        return Encode(pieces);
    }

    private static Piece WithPrefixSpace(Piece piece) => piece.Text[0] == ' ' ? piece
        : new Piece(string.Concat(" ", piece.Text), 0, piece.Length + 1, piece.IsFirst);

    private static List<Piece> Encode(List<Piece> pieces)
    {
        var buffer = new char[pieces.Sum(piece => (long)piece.Length) * 3];
        var lengths = new int[pieces.Count];
        var total = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            lengths[i] = ByteLevel.Encode(pieces[i].Text, buffer.AsSpan(total));
            total += lengths[i];
        }
        var source = new string(buffer, 0, total);
        var result = new List<Piece>(lengths.Length);
        var start = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            result.Add(new Piece(source, start, lengths[i], pieces[i].IsFirst));
            start += lengths[i];
        }
        return result;
    }
}
