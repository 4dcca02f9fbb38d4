using System.Globalization;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>Python's character classes.</summary>
internal static class Characters
{
    /// <summary>White space for strip and split: also the four ASCII separators.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';

    /// <summary>Whether a name can start with the character.</summary>
    public static bool IsNameStart(char character) => character == '_' || char.IsLetter(character);

    /// <summary>Whether a name can continue with the character.</summary>
    public static bool IsNamePart(char character) =>
        IsNameStart(character)
        || char.GetUnicodeCategory(character)
            is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;
}
