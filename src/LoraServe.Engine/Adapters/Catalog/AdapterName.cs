using System.Buffers;
using System.Globalization;

namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>
/// The rule for names of adapters: an ASCII letter or digit, then letters, digits, '.', '_' or '-', never two dots in a row, at most 128
/// characters; or two such names with a slash between them, org/name. Upper and lower case are different. Several such names, joined by
/// colons behind "ft", name what was trained: ft:base:suffix. The last of them is no number, which would be the coefficient of an adapter in a
/// mix.
/// </summary>
public static class AdapterName
{
    /// <summary>The rule in words.</summary>
    public const string Rule =
        "a letter or digit, then letters, digits, '.', '_' or '-', no two dots in a row, or two of these as org/name, at most 128 characters";

    /// <summary>The prefix of names of trained adapters.</summary>
    public const string TrainedPrefix = "ft:";

    /// <summary>Most characters.</summary>
    public const int MaxLength = 128;

    /// <summary>The base model where adapters are listed.</summary>
    public const string Base = "base";

    private static readonly SearchValues<char> Letters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Path segments that follow a name in the API. No name is one of them, or ends with a slash and one, in any case.</summary>
    public static IReadOnlySet<string> ReservedSegments { get; } = new HashSet<string>(
        ["archive", "effect", "merge", "mix", "rollback", "truncate", "unmerge", "verify", "versions"], StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether it has the form of a name.</summary>
    public static bool IsValid(string name) => name.Length is > 0 and <= MaxLength && (IsTrained(name)
        ? AreParts(name, ':', most: MaxLength) && !IsNumber(name.AsSpan(name.LastIndexOf(':') + 1))
        : AreParts(name, '/', most: 2));

    /// <summary>Why no adapter may get this well-formed name, as words that follow it; null if it may.</summary>
    public static string? Reservation(string name) =>
        name.Equals(Base, StringComparison.OrdinalIgnoreCase) ? "is reserved: it means the bare base model"
        : ReservedSegments.Contains(name[(name.LastIndexOf('/') + 1)..]) ? "is reserved: it is a part of the API's paths"
        : null;

    /// <summary>Whether it is a name with colons.</summary>
    internal static bool IsTrained(string name) => name.StartsWith(TrainedPrefix, StringComparison.Ordinal);

    // By spans: metrics ask for the names of every step.
    private static bool AreParts(ReadOnlySpan<char> name, char separator, int most)
    {
        var count = 0;
        foreach (var part in name.Split(separator))
        {
            if (++count > most || !IsPlain(name[part])) return false;
        }

        return true;
    }

    private static bool IsPlain(ReadOnlySpan<char> part) =>
        part.Length > 0
        && char.IsAsciiLetterOrDigit(part[0])
        && !part.ContainsAnyExcept(Letters)
        && !part.Contains("..", StringComparison.Ordinal);

    private static bool IsNumber(ReadOnlySpan<char> text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
}
