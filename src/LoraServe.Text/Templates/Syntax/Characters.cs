using System.Globalization;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>Classes of characters as Python has them.</summary>
internal static class Characters
{
    /// <summary>What strip and split take for blank space: also the four separators of ASCII.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';

    /// <summary>Whether a name can begin with it.</summary>
    public static bool IsNameStart(char character) => character == '_' || char.IsLetter(character);

    /// <summary>Whether a name can continue with it.</summary>
    public static bool IsNamePart(char character) =>
        IsNameStart(character)
        || char.GetUnicodeCategory(character)
            is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;
}
