using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>Pads texts to a width.</summary>
internal static class Padding
{
    // If the padding is odd, Python's center puts the larger half on the left when the width is odd.
    public static string Center(Rendering rendering, string text, long width, object? fill = null)
    {
        var missing = Missing(text, width);
        var left = missing / 2 + (missing & width & 1);
        return Pad(rendering, left, text, missing - left, fill);
    }

    public static string Left(Rendering rendering, string text, long width, object? fill = null) =>
        Pad(rendering, Missing(text, width), text, 0, fill);

    public static string Right(Rendering rendering, string text, long width, object? fill = null) =>
        Pad(rendering, 0, text, Missing(text, width), fill);

    public static string Zeros(Rendering rendering, string text, long width)
    {
        var sign = text.StartsWith('+') || text.StartsWith('-') ? text[..1] : "";
        return new TextBuilder(rendering).Append(sign).Append('0', Missing(text, width)).Append(text.AsSpan(sign.Length)).ToString();
    }

    public static string ExpandTabs(Rendering rendering, string text, long size)
    {
        var expanded = new TextBuilder(rendering);
        long column = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value == '\t')
            {
                var spaces = size > 0 ? size - column % size : 0;
                expanded.Append(' ', spaces);
                column += spaces;
            }
            else
            {
                expanded.Append(rune.ToString());
                column = rune.Value is '\n' or '\r' ? 0 : column + 1;
            }
        }

        return expanded.ToString();
    }

    private static long Missing(string text, long width) => Math.Max(width - Codepoints.Count(text), 0);

    private static string Pad(Rendering rendering, long left, string text, long right, object? fill)
    {
        var character = fill is null ? " " : StringMethods.String(fill);
        if (character.Length != 1) throw new ChatTemplateException("the fill character must be exactly one character long");
        return new TextBuilder(rendering).Append(character[0], left).Append(text).Append(character[0], right).ToString();
    }
}
