namespace LoraServe.Text.Tokenizers.Patterns;

/// <summary>Reads the field "pattern" of tokenizer.json: {"String": ...} or {"Regex": ...}.</summary>
internal static class PatternReader
{
    /// <exception cref="FormatException">neither is there, or the regular expression is malformed or not supported</exception>
    public static Pattern Read(JsonField field)
    {
        if (field.Optional("String") is { } literal)
            return literal.AsText() is { Length: > 0 } text ? Pattern.Literal(text) : throw literal.Expected("a text that is not empty");
        var regex = field["Regex"];
        try
        {
            return Pattern.Regex(regex.AsText());
        }
        catch (FormatException fault)
        {
            throw regex.Fault($"cannot be used: {fault.Message}");
        }
    }
}
