namespace LoraServe.Text.Tokenizers;

/// <summary>The special tokens added around an encoded text.</summary>
/// <param name="Prefix">ids before the text, for example that of &lt;s&gt;</param>
/// <param name="Suffix">ids after the text</param>
internal sealed record PostProcessor(IReadOnlyList<int> Prefix, IReadOnlyList<int> Suffix)
{
    public static readonly PostProcessor None = new([], []);

    private const string Supported = "Sequence, ByteLevel, TemplateProcessing, BertProcessing or RobertaProcessing";

    /// <exception cref="FormatException">a field is missing, of a wrong type or not supported</exception>
    public static PostProcessor Read(JsonField field) => field.Type switch
    {
        // Byte-level post-processing only trims offsets, which are not computed here.
        "ByteLevel" => None,
        "Sequence" => field["processors"].Items().Select(Read).Aggregate(None, Around),
        "TemplateProcessing" => ReadTemplate(field),
        "BertProcessing" or "RobertaProcessing" => new([ReadTokenId(field["cls"])], [ReadTokenId(field["sep"])]),
        _ => throw field["type"].Expected(Supported),
    };

    private static PostProcessor Around(PostProcessor inner, PostProcessor outer) =>
        new([.. outer.Prefix, .. inner.Prefix], [.. inner.Suffix, .. outer.Suffix]);

    private static PostProcessor ReadTemplate(JsonField field)
    {
        List<int> prefix = [], suffix = [];
        var isBehindText = false;
        foreach (var item in field["single"].Items())
        {
            if (item.Optional("SpecialToken") is { } special)
            {
                var name = special["id"].AsText();
                var token = field["special_tokens"].Optional(name) ?? throw special["id"].Expected("a name from special_tokens");
                (isBehindText ? suffix : prefix).AddRange(token["ids"].Items().Select(id => id.AsInt(Vocabulary.MaxId)));
                continue;
            }
            if (isBehindText || item["Sequence"]["id"].AsText() != "A") throw NotOneText(field);
            isBehindText = true;
        }
        return isBehindText ? new(prefix, suffix) : throw NotOneText(field);
    }

    private static FormatException NotOneText(JsonField field) => field["single"].Fault("has to hold the sequence A exactly once");

    /// <summary>The id of a pair ["token", id].</summary>
    private static int ReadTokenId(JsonField field) => field.Items().Count() == 2 ? field.Items().Last().AsInt(Vocabulary.MaxId)
        : throw field.Expected("a token and its id");
}
