using System.Text;

namespace LoraServe.Text.Tokenizers.Patterns;

/// <summary>
/// A regular expression, a literal or a set to search for, matched by Unicode scalar values with the semantics of
/// Oniguruma, in time linear in the text for any pattern. Immutable.
/// </summary>
internal sealed class Pattern
{
    private readonly PatternProgram _program;

    private Pattern(PatternNode node) => _program = new PatternProgram(node);

    /// <summary>The literal text, or null if the pattern is not a literal.</summary>
    public string? Text { get; private init; }

    /// <exception cref="FormatException">the expression is malformed or uses an unsupported construct</exception>
    public static Pattern Regex(string source) => new(PatternParser.Parse(source));

    /// <param name="text">not empty</param>
    public static Pattern Literal(string text)
    {
        var runes = text.EnumerateRunes().Select(rune => new PatternNode.One(RuneSet.Of(rune.Value)));
        return new Pattern(new PatternNode.Sequence([.. runes])) { Text = text };
    }

    public static Pattern OneOf(RuneSet set) => new(new PatternNode.One(set));

    /// <param name="text">the text to search</param>
    /// <param name="stack">space for the matcher's first choices; it rents more when needed</param>
    public PatternMatcher Match(ReadOnlySpan<char> text, Span<Choice> stack) => new(_program, text, stack);

    public string Replace(string text, string replacement)
    {
        if (Text is not null) return text.Replace(Text, replacement, StringComparison.Ordinal);
        using var matcher = Match(text, stackalloc Choice[16]);
        var result = new StringBuilder(text.Length);
        var last = 0;
        while (matcher.Next(out var start, out var end))
        {
            result.Append(text, last, start - last).Append(replacement);
            last = end;
        }
        return result.Append(text, last, text.Length - last).ToString();
    }
}
