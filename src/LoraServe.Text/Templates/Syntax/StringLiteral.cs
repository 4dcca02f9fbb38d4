using System.Globalization;
using System.Text;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>A string literal, with Python's escapes.</summary>
internal static class StringLiteral
{
    /// <summary>Reads a string at its opening quote and moves past the closing one.</summary>
    public static string Read(string source, int line, ref int position)
    {
        var quote = source[position];
        var text = new StringBuilder();
        for (var i = position + 1; i < source.Length;)
        {
            var character = source[i++];
            if (character == quote)
            {
                position = i;
                return text.ToString();
            }

            if (character != '\\') text.Append(character);
            else if (i < source.Length) ReadEscape(source, line, ref i, text);
        }

        throw new InvalidChatTemplateException(line, $"the string has no end: expected {quote}");
    }

    private static void ReadEscape(string source, int line, ref int i, StringBuilder text)
    {
        var character = source[i++];
        switch (character)
        {
            case '\n': break;
            case '\\' or '\'' or '"': text.Append(character); break;
            case 'n': text.Append('\n'); break;
            case 't': text.Append('\t'); break;
            case 'r': text.Append('\r'); break;
            case 'a': text.Append('\a'); break;
            case 'b': text.Append('\b'); break;
            case 'f': text.Append('\f'); break;
            case 'v': text.Append('\v'); break;
            case 'x': AppendHex(source, line, 2, ref i, text); break;
            case 'u': AppendHex(source, line, 4, ref i, text); break;
            case 'U': AppendHex(source, line, 8, ref i, text); break;
            case 'N': throw new InvalidChatTemplateException(line, "\\N{...} in a string is not supported: use \\u");
            case >= '0' and <= '7':
                var value = character - '0';
                for (var digits = 1; digits < 3 && i < source.Length && source[i] is >= '0' and <= '7'; digits++)
                    value = value * 8 + source[i++] - '0';
                text.Append((char)value);
                break;
            default: text.Append('\\').Append(character); break;
        }
    }

    private static void AppendHex(string source, int line, int digits, ref int i, StringBuilder text)
    {
        if (i + digits > source.Length
            || !uint.TryParse(source.AsSpan(i, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || !Rune.TryCreate(value, out var rune))
            throw new InvalidChatTemplateException(line, $"an escape in a string is not a character: expected {digits} hexadecimal digits");
        text.Append(rune.ToString());
        i += digits;
    }
}
