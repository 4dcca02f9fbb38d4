namespace LoraServe.Keys;

/// <summary>A pattern for names of adapters: every * matches any characters, or none; everything else matches itself.</summary>
internal sealed class AdapterPattern
{
    /// <summary>The rule in words.</summary>
    public const string Rule = "1 to 128 letters, digits, '.', '_', '-', ':', '/' or '*'";

    private const int MaxLength = 128;

    // The texts between the stars.
    private readonly string[] _parts;

    private AdapterPattern(string text) => (Text, _parts) = (text, text.Split('*'));

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Parses a pattern; null if the text is not one.</summary>
    public static AdapterPattern? TryParse(string text) =>
        text.Length is > 0 and <= MaxLength && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-' or ':' or '/' or '*')
            ? new AdapterPattern(text)
            : null;

    /// <summary>Whether a name matches. One pass is enough: the first place where a part fits is as good as any later one.</summary>
    public bool Matches(string name)
    {
        if (_parts is [var whole]) return name == whole;
        var (first, last) = (_parts[0], _parts[^1]);
        if (name.Length < first.Length + last.Length) return false;
        if (!name.StartsWith(first, StringComparison.Ordinal) || !name.EndsWith(last, StringComparison.Ordinal)) return false;
        var rest = name.AsSpan(first.Length..^last.Length);
        foreach (var part in _parts[1..^1])
        {
            var place = rest.IndexOf(part, StringComparison.Ordinal);
            if (place < 0) return false;
            rest = rest[(place + part.Length)..];
        }

        return true;
    }

    public override string ToString() => Text;
}
