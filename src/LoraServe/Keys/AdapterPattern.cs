namespace LoraServe.Keys;

/// <summary>A pattern for names of adapters: every * stands for any number of any characters, everything else for itself.</summary>
internal sealed class AdapterPattern
{
    /// <summary>The rule in words.</summary>
    public const string Rule = "1 to 128 letters, digits, '.', '_', '-', ':', '/' or '*'";

    private const int MaxLength = 128;

    // What lies between the stars.
    private readonly string[] _parts;

    private AdapterPattern(string text) => (Text, _parts) = (text, text.Split('*'));

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>The pattern of a text, or null where it is none.</summary>
    public static AdapterPattern? TryParse(string text) =>
        text.Length is > 0 and <= MaxLength && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-' or ':' or '/' or '*')
            ? new AdapterPattern(text)
            : null;

    /// <summary>Whether a name is of this pattern. Reads the name once: the first place where a part fits is as good as any later one.</summary>
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
