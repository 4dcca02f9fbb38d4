using System.Globalization;
using System.Text;

namespace LoraServe.Text.Tokenizers.Normalization;

/// <summary>
/// The normalization forms of Unicode (UAX #15). The process runs with invariant globalization, in which
/// <see cref="string.Normalize()"/> returns everything but ASCII unchanged.
/// </summary>
internal static class UnicodeNormalization
{
    private const int HangulBase = 0xAC00, HangulCount = 11172;
    private const int LeadBase = 0x1100, VowelBase = 0x1161, TrailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TrailCount = 28;

    private static readonly Dictionary<int, int> CombiningClasses = [];
    private static readonly Dictionary<int, int[]> Canonical = [];
    private static readonly Dictionary<int, int[]> Compatible = [];
    private static readonly Dictionary<(int, int), int> Compositions = [];

    static UnicodeNormalization()
    {
        using var stream = typeof(UnicodeNormalization).Assembly.GetManifestResourceStream("UnicodeDecompositions.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#')) ReadEntry(line.Split(';'));
        }
        ExpandAll(Compatible);
        ExpandAll(Canonical);
    }

    /// <param name="text">valid UTF-16</param>
    /// <param name="compatible">NFKC, NFKD rather than NFC, NFD</param>
    /// <param name="compose">NFC, NFKC rather than NFD, NFKD</param>
    public static string Normalize(string text, bool compatible, bool compose)
    {
        // Up to these bounds no character decomposes or combines with the one before it.
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', compatible ? '\x9F' : '\xBF')) return text;
        var runes = Decompose(text, compatible ? Compatible : Canonical);
        if (compose) Compose(runes);
        var result = new StringBuilder(text.Length);
        foreach (var rune in runes) result.Append(char.ConvertFromUtf32(rune));
        return result.ToString();
    }

    private static void ReadEntry(string[] fields)
    {
        var rune = ParseHex(fields[0]);
        if (fields[1] != "0") CombiningClasses[rune] = int.Parse(fields[1], CultureInfo.InvariantCulture);
        if (fields[2].Length == 0) return;
        int[] parts = [.. fields[2].TrimStart('~', '!').Split(' ').Select(ParseHex)];
        Compatible[rune] = parts;
        if (fields[2][0] == '~') return;
        Canonical[rune] = parts;
        if (fields[2][0] != '!') Compositions[(parts[0], parts[1])] = rune;
    }

    private static int ParseHex(string digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>Expands decompositions whose parts decompose further.</summary>
    private static void ExpandAll(Dictionary<int, int[]> decompositions)
    {
        foreach (var rune in decompositions.Keys.ToArray()) decompositions[rune] = [.. Expand(rune, decompositions)];
    }

    private static IEnumerable<int> Expand(int rune, Dictionary<int, int[]> decompositions) =>
        decompositions.TryGetValue(rune, out var parts) ? parts.SelectMany(part => Expand(part, decompositions)) : [rune];

    private static List<int> Decompose(string text, Dictionary<int, int[]> decompositions)
    {
        var runes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var hangul = rune.Value - HangulBase;
            if (hangul is >= 0 and < HangulCount)
            {
                runes.Add(LeadBase + hangul / (VowelCount * TrailCount));
                runes.Add(VowelBase + hangul / TrailCount % VowelCount);
                if (hangul % TrailCount != 0) runes.Add(TrailBase + hangul % TrailCount);
            }
            else if (decompositions.TryGetValue(rune.Value, out var parts)) runes.AddRange(parts);
            else runes.Add(rune.Value);
        }
        OrderMarks(runes);
        return runes;
    }

    /// <summary>Sorts each run of combining marks by combining class, stably.</summary>
    private static void OrderMarks(List<int> runes)
    {
        for (var start = 0; start < runes.Count; start++)
        {
            var end = start;
            while (end < runes.Count && CombiningClass(runes[end]) != 0) end++;
            if (end - start < 2) continue;
            int[] ordered = [.. runes.GetRange(start, end - start).OrderBy(CombiningClass)];
            for (var i = 0; i < ordered.Length; i++) runes[start + i] = ordered[i];
            start = end;
        }
    }

    private static void Compose(List<int> runes)
    {
        var starter = -1;
        var count = 0;
        // The class of the last mark kept since the starter: one of the same or a lower class is blocked.
        var lastClass = -1;
        for (var i = 0; i < runes.Count; i++)
        {
            var rune = runes[i];
            var combiningClass = CombiningClass(rune);
            if (starter >= 0 && lastClass < combiningClass && Composite(runes[starter], rune) is { } composite)
            {
                runes[starter] = composite;
                continue;
            }
            if (combiningClass == 0) (starter, lastClass) = (count, -1);
            else lastClass = combiningClass;
            runes[count++] = rune;
        }
        runes.RemoveRange(count, runes.Count - count);
    }

    private static int? Composite(int first, int second)
    {
        if (first - LeadBase is >= 0 and < LeadCount && second - VowelBase is >= 0 and < VowelCount)
            return HangulBase + ((first - LeadBase) * VowelCount + second - VowelBase) * TrailCount;
        var syllable = first - HangulBase;
        if (syllable is >= 0 and < HangulCount && syllable % TrailCount == 0 && second - TrailBase is > 0 and < TrailCount)
            return first + second - TrailBase;
        return Compositions.TryGetValue((first, second), out var composite) ? composite : null;
    }

    private static int CombiningClass(int rune) => rune < 0x300 ? 0 : CombiningClasses.GetValueOrDefault(rune);
}
