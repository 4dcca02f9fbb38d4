using LoraServe.Text.Tokenizers.Patterns;

namespace LoraServe.Text.Tokenizers.PreTokenization;

/// <summary>Splits pieces into smaller ones. Immutable.</summary>
internal abstract class PreTokenizer
{
    private const string Supported = "Sequence, ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit or Metaspace";

    public abstract List<Piece> Split(List<Piece> pieces);

    /// <exception cref="FormatException">a field is missing, of a wrong type or not supported</exception>
    public static PreTokenizer Read(JsonField field) => field.Type switch
    {
        "Sequence" => new Sequence([.. field["pretokenizers"].Items().Select(Read)]),
        "ByteLevel" => ByteLevelPreTokenizer.Read(field),
        "Metaspace" => MetaspacePreTokenizer.Read(field),
        "Split" => new SplitPreTokenizer(
            PatternReader.Read(field["pattern"]),
            SplitBehaviorReader.Read(field["behavior"]),
            field.Optional("invert")?.AsBool() ?? false),
        "Digits" => new SplitPreTokenizer(
            Pattern.OneOf(RuneProperties.Number),
            field.Optional("individual_digits")?.AsBool() ?? false ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "Punctuation" => new SplitPreTokenizer(
            Pattern.OneOf(AnyPunctuation),
            field.Optional("behavior") is { } behavior ? SplitBehaviorReader.Read(behavior) : SplitBehavior.Isolated),
        "Whitespace" => new SplitPreTokenizer(Words, SplitBehavior.Removed, invert: true),
        "WhitespaceSplit" => new SplitPreTokenizer(Pattern.OneOf(RuneProperties.WhiteSpace), SplitBehavior.Removed),
        _ => throw field["type"].Expected(Supported),
    };

    /// <summary>Words, including U+200C and U+200D, and runs of characters that are neither word characters nor white space.</summary>
    private static Pattern Words => Pattern.Regex(@"[\w\u200C\u200D]+|[^\w\u200C\u200D\s]+");

    /// <summary>Unicode punctuation, and the ASCII symbols outside that category.</summary>
    private static RuneSet AnyPunctuation =>
        RuneProperties.Punctuation.Union(RuneProperties.Symbol.Intersection(RuneSet.Range(0, 0x7F)));

    private sealed class Sequence(IReadOnlyList<PreTokenizer> steps) : PreTokenizer
    {
        public override List<Piece> Split(List<Piece> pieces) => steps.Aggregate(pieces, (current, step) => step.Split(current));
    }
}
