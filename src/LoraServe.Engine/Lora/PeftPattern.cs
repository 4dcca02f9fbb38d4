using System.Text;
using System.Text.RegularExpressions;

namespace LoraServe.Engine.Lora;

/// <summary>
/// A Python regular expression over module paths, matched in time linear in the path. Syntax that cannot be honoured exactly is
/// refused, never approximated.
/// </summary>
internal sealed class PeftPattern
{
    private const int MaxLength = 1000;

    // The last resort: a pattern within the length limit has been seen to take 0.3 s for the first path, then microseconds.
    private static readonly TimeSpan TimeLimit = TimeSpan.FromMilliseconds(500);

    // Constructs that .NET also accepts and gives another meaning: {,n} is a literal there, [a-[b]] subtracts.
    private static readonly string[] OtherMeaning = ["{,", "-["];

    private const char AnyCharacter = '\0';

    private readonly Regex? _regex;
    private readonly string _plain = "";
    private readonly bool _whole;

    private PeftPattern(Regex regex) => _regex = regex;

    private PeftPattern(string plain, bool whole) => (_plain, _whole) = (plain, whole);

    /// <summary>What the pattern costs to match: 0 for a plain path, else its length.</summary>
    public int Complexity => _regex?.ToString().Length ?? 0;

    /// <summary>Python's re.fullmatch(pattern, path).</summary>
    /// <exception cref="ArgumentException">Not a regular expression, or one that cannot be honoured; the message says why.</exception>
    public static PeftPattern FullMatch(string pattern) => new(Compile(pattern, @"\A(?:", @")\z"));

    /// <summary>The last components of a path, or all of it: Python's re.match("(.*\.)?(pattern)$", path).</summary>
    /// <exception cref="ArgumentException">Not a regular expression, or one that cannot be honoured; the message says why.</exception>
    public static PeftPattern Suffix(string pattern) =>
        Plain(pattern) is { } plain
            ? new PeftPattern(plain, whole: pattern.StartsWith('^'))
            : new PeftPattern(Compile(pattern, @"\A(?:.*\.)?(?:", @")\z"));

    /// <summary>Layer numbers below a list of this name: Python's re.match(".*?\.pattern\.(\d+)\.", path).</summary>
    /// <exception cref="ArgumentException">Not a regular expression, or one that cannot be honoured; the message says why.</exception>
    public static PeftPattern Layer(string pattern) => new(Compile(pattern, @"\A.*?\.(?:", @")\.(?<layer>[0-9]+)\."));

    /// <exception cref="RegexMatchTimeoutException">The pattern was made to be slow.</exception>
    public bool IsMatch(string path) => _regex?.IsMatch(path) ?? IsPlainMatch(path);

    /// <summary>The layer number of a <see cref="Layer"/> pattern, or null where it does not match.</summary>
    /// <exception cref="RegexMatchTimeoutException">The pattern was made to be slow.</exception>
    public int? LayerOf(string path) =>
        _regex!.Match(path) is { Success: true } match && int.TryParse(match.Groups["layer"].ValueSpan, out var layer) ? layer : null;

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
        if (Array.Find(OtherMeaning, pattern.Contains) is { } construct)
            throw new ArgumentException($"the construct '{construct}' is not supported in a regular expression");
        var translated = pattern.Replace("(?P<", "(?<", StringComparison.Ordinal);
        const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;
        try
        {
            // Alone first: brackets that close in what is put around it must not make it valid.
            _ = new Regex(translated, Options, TimeLimit);
            return new Regex(before + translated + after, Options, TimeLimit);
        }
        catch (NotSupportedException e)
        {
            throw new ArgumentException(
                "lookaround, backreferences, atomic groups and very large repetitions are not supported in a regular expression", e);
        }
    }
}
