using System.Globalization;
using System.Text;

namespace LoraServe.Text.Templates.Library;

/// <summary>The character classes of Python's isdigit and the like.</summary>
internal static class CharacterClasses
{
    public static bool IsDecimal(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;

    public static bool IsDigit(Rune rune) => IsDecimal(rune) || rune.IsBmp && CharUnicodeInfo.GetDigitValue((char)rune.Value) >= 0;

    public static bool IsNumeric(Rune rune) => Rune.GetNumericValue(rune) >= 0 || Rune.IsNumber(rune);

    public static bool IsUpper(Rendering rendering, string text) => HasOnly(rendering, text, Rune.IsUpper, Rune.IsLower);

    public static bool IsLower(Rendering rendering, string text) => HasOnly(rendering, text, Rune.IsLower, Rune.IsUpper);

    private static bool HasOnly(Rendering rendering, string text, Func<Rune, bool> wanted, Func<Rune, bool> unwanted)
    {
        rendering.Classify(text.Length);
        var isThere = false;
        foreach (var rune in text.EnumerateRunes())
        {
            if (unwanted(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter) return false;
            isThere |= wanted(rune);
        }

        return isThere;
    }
}
