using System.Globalization;
using System.Text;

namespace LoraServe.Text.Templates.Library;

/// <summary>Upper and lower case. The resulting text counts against the limits of the rendering.</summary>
internal static class Casing
{
    public static string Upper(Rendering rendering, string text) => Map(rendering, text, static (_, _, rune) => UpperOf(rune));

    public static string Lower(Rendering rendering, string text)
    {
        if (text.Contains('Σ') || text.Contains('İ')) return Map(rendering, text, LowerOf);
        rendering.MakeText(text.Length);
        return text.ToLowerInvariant();
    }

    public static string Capitalize(Rendering rendering, string text) => Map(
        rendering, text, static (all, position, rune) => position == 0 ? TitleOf(rune) : LowerOf(all, position, rune));

    public static string Swap(Rendering rendering, string text) => Map(
        rendering, text, static (all, position, rune) => Rune.IsUpper(rune) ? LowerOf(all, position, rune) : UpperOf(rune));

    /// <summary>Upper case for the first letter of each run of letters, lower case for the others.</summary>
    public static string Title(Rendering rendering, string text) => Map(
        rendering, text, static (all, position, rune) => IsCased(all, position - 1) ? LowerOf(all, position, rune) : TitleOf(rune));

    private static string Map(Rendering rendering, string text, Func<string, int, Rune, string> map)
    {
        rendering.Classify(text.Length);
        var mapped = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                mapped.Append(text[i++]);
                continue;
            }

            mapped.Append(map(text, i, rune));
            i += rune.Utf16SequenceLength;
        }

        return rendering.Made(mapped.ToString());
    }

    private static string UpperOf(Rune rune) => SpecialCasing.Upper(rune) ?? Rune.ToUpperInvariant(rune).ToString();

    private static string TitleOf(Rune rune) => SpecialCasing.Title(rune) ?? UpperOf(rune);

    private static string LowerOf(string text, int position, Rune rune) => rune.Value switch
    {
        'İ' => "i̇",
        'Σ' when IsCased(text, position - 1) && !IsCased(text, position + 1) => "ς",
        _ => Rune.ToLowerInvariant(rune).ToString(),
    };

    private static bool IsCased(string text, int position)
    {
        if (position < 0 || position >= text.Length) return false;
        if (char.IsLowSurrogate(text[position]) && position > 0) position--;
        return CharUnicodeInfo.GetUnicodeCategory(text, position)
            is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;
    }
}
