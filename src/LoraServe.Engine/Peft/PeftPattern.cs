using System.Text;
using System.Text.RegularExpressions;

namespace LoraServe.Engine.Peft;

/// <summary>
/// A Python regular expression over module paths, matched in time linear in the path or, with lookaround or very large repetitions, by
/// backtracking with a time limit. Syntax without an exact equivalent is refused, never approximated.
/// </summary>
internal sealed class PeftPattern
{
    private const int MaxLength = 1000;

    // Without backtracking, a pattern within the length limit was seen to take 0.3 s for the first path, then microseconds.
    private static readonly TimeSpan LinearLimit = TimeSpan.FromMilliseconds(500);

    // A benign pattern takes microseconds per path.
    private static readonly TimeSpan BacktrackingLimit = TimeSpan.FromMilliseconds(100);

    private const char AnyCharacter = '\0';

    private readonly Regex? _regex;
    private readonly MatchingTime _time = new();
    private readonly string _plain = "";
    private readonly bool _whole;

    private PeftPattern(Regex regex, MatchingTime? time) => (_regex, _time) = (regex, time ?? _time);

    private PeftPattern(string plain, bool whole) => (_plain, _whole) = (plain, whole);

    /// <summary>The cost of matching: 0 for a plain path, else the length of the pattern.</summary>
    public int Complexity => _regex?.ToString().Length ?? 0;

    /// <summary>Python's re.fullmatch(pattern, path).</summary>
    /// <exception cref="ArgumentException">Not a regular expression, or one that cannot be honoured; the message says why.</exception>
    public static PeftPattern FullMatch(string pattern, MatchingTime? time = null) => new(Compile(pattern, @"\A(?:", @")\z"), time);

    /// <summary>The last components of a path, or all of it: Python's re.match("(.*\.)?(pattern)$", path).</summary>
    /// <exception cref="ArgumentException">Not a regular expression, or one that cannot be honoured; the message says why.</exception>
    public static PeftPattern Suffix(string pattern, MatchingTime? time = null) =>
        Plain(pattern) is { } plain
            ? new PeftPattern(plain, whole: pattern.StartsWith('^'))
            : new PeftPattern(Compile(pattern, @"\A(?:.*\.)?(?:", @")\z"), time);

    /// <summary>Layer numbers below a list of this name: Python's re.match(".*?\.pattern\.(\d+)\.", path).</summary>
    /// <exception cref="ArgumentException">Not a regular expression, or one that cannot be honoured; the message says why.</exception>
    public static PeftPattern Layer(string pattern, MatchingTime? time = null) =>
        new(Compile(pattern, @"\A.*?\.(?:", @")\.(?<layer>[0-9]+)\."), time);

    /// <exception cref="RegexMatchTimeoutException">The pattern was made to be slow.</exception>
    public bool IsMatch(string path)
    {
        if (_regex is null) return IsPlainMatch(path);
        using var matching = _time.Begin();
        return _regex.IsMatch(path);
    }

    /// <summary>The layer number of a <see cref="Layer"/> pattern, or null if it does not match.</summary>
    /// <exception cref="RegexMatchTimeoutException">The pattern was made to be slow.</exception>
    public int? LayerOf(string path)
    {
        using var matching = _time.Begin();
        return _regex!.Match(path) is { Success: true } match && int.TryParse(match.Groups["layer"].ValueSpan, out var layer) ? layer : null;
    }

    private bool IsPlainMatch(string path)
    {
        var start = path.Length - _plain.Length;
        if (start < 0 || (start > 0 && (_whole || path[start - 1] != '.'))) return false;
        for (var i = 0; i < _plain.Length; i++)
            if (_plain[i] != AnyCharacter && _plain[i] != path[start + i]) return false;
        return true;
    }

    /// <summary>
    /// The usual pattern is a path, perhaps with anchors and escaped dots. There can be one for each module, so they are matched
    /// without building an automaton for each.
    /// </summary>
    private static string? Plain(string pattern)
    {
        var plain = new StringBuilder(pattern.Length);
        var start = pattern.StartsWith('^') ? 1 : 0;
        var end = pattern.EndsWith('$') ? pattern.Length - 1 : pattern.Length;
        for (var i = start; i < end; i++)
        {
            if (char.IsAsciiLetterOrDigit(pattern[i]) || pattern[i] == '_') plain.Append(pattern[i]);
            else if (pattern[i] == '.') plain.Append(AnyCharacter);
            else if (pattern[i] == '\\' && i + 1 < end && pattern[++i] == '.') plain.Append('.');
            else return null;
        }

        return plain.ToString();
    }

    private static Regex Compile(string pattern, string before, string after)
    {
        if (pattern.Length > MaxLength) throw new ArgumentException($"a regular expression of more than {MaxLength} characters");
        var translated = PythonPattern.Translate(pattern);
        try
        {
            // Compiled alone first: a pattern with unbalanced brackets must not become valid by the text put around it.
            _ = new Regex(translated, RegexOptions.CultureInvariant, BacktrackingLimit);
            return Compile(before + translated + after);
        }
        catch (RegexParseException e) when (e.Error == RegexParseError.NestedQuantifiersNotParenthesized)
        {
            throw new ArgumentException("a quantifier of a quantifier, possessive ones among them, is not supported in a regular expression", e);
        }
        catch (RegexParseException e)
        {
            throw new ArgumentException($"not a regular expression: {e.Error} at character {e.Offset}", e);
        }
    }

    private static Regex Compile(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, LinearLimit);
        }
        catch (NotSupportedException)
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, BacktrackingLimit);
        }
    }
}
