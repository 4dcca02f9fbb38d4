using LoraServe.Text.Tokenizers.Patterns;

namespace LoraServe.Text.Tokenizers.PreTokenization;

/// <summary>When the replacement is prepended to a piece that does not start with it.</summary>
internal enum PrependScheme
{
    Always,
    First,
    Never,
}

/// <summary>Writes spaces as a visible replacement and splits before each, as SentencePiece does.</summary>
internal sealed class MetaspacePreTokenizer(string replacement, PrependScheme scheme, bool split) : PreTokenizer
{
    private readonly SplitPreTokenizer _words = new(Pattern.Literal(replacement), SplitBehavior.MergedWithNext);

    public static new MetaspacePreTokenizer Read(JsonField field) =>
        new(field["replacement"].AsCharacter(), ReadScheme(field), field.Optional("split")?.AsBool() ?? true);

    /// <summary>The field "prepend_scheme", or "add_prefix_space" of older files.</summary>
    public static PrependScheme ReadScheme(JsonField field)
    {
        if (field.Optional("prepend_scheme") is not { } scheme)
            return field.Optional("add_prefix_space")?.AsBool() ?? true ? PrependScheme.Always : PrependScheme.Never;
        return scheme.AsText() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            _ => throw scheme.Expected("always, first or never"),
        };
    }

    public override List<Piece> Split(List<Piece> pieces)
    {
        pieces = pieces.ConvertAll(Replace);
        return split ? _words.Split(pieces) : pieces;
    }

    private Piece Replace(Piece piece)
    {
        var text = piece.Text.ToString().Replace(" ", replacement, StringComparison.Ordinal);
        var prepends = scheme == PrependScheme.Always || scheme == PrependScheme.First && piece.IsFirst;
        if (prepends && !text.StartsWith(replacement, StringComparison.Ordinal)) text = replacement + text;
        return new Piece(text, 0, text.Length, piece.IsFirst);
    }
}
