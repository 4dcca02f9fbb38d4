using System.Globalization;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>A number literal: 12, 1_000, 0x1f, 0o17, 0b1, 1.5, 1e3.</summary>
internal static class NumberLiteral
{
    /// <summary>Reads a number at its first digit and moves past its last.</summary>
    public static object Read(string source, int line, ref int position)
    {
        var start = position;
        if (Radix(source, position) is { } radix) return ReadInRadix(source, line, radix, ref position);

        var end = Digits(source, position, char.IsAsciiDigit);
        // In a.0.1 the numbers are two indices.
        var isFloat = (start == 0 || source[start - 1] != '.') && SkipFraction(source, ref end);
        if (!isFloat && source[start] == '0') end = Digits(source, position, static digit => digit == '0');
        position = end;
        var text = source[start..end].Replace("_", "", StringComparison.Ordinal);
        if (isFloat) return double.Parse(text, CultureInfo.InvariantCulture);
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new InvalidChatTemplateException(line, "an integer must fit into 64 bits");
    }

    private static bool SkipFraction(string source, ref int end)
    {
        var position = end;
        if (At(source, position) == '.' && char.IsAsciiDigit(At(source, position + 1)))
            position = Digits(source, position + 1, char.IsAsciiDigit);
        if (At(source, position) is 'e' or 'E')
        {
            var exponent = At(source, position + 1) is '+' or '-' ? position + 2 : position + 1;
            if (char.IsAsciiDigit(At(source, exponent))) position = Digits(source, exponent, char.IsAsciiDigit);
        }

        if (position == end) return false;
        end = position;
        return true;
    }

    private static (int Base, Func<char, bool> IsDigit)? Radix(string source, int position)
    {
        if (source[position] != '0') return null;
        (int Base, Func<char, bool> IsDigit)? radix = At(source, position + 1) switch
        {
            'x' or 'X' => (16, char.IsAsciiHexDigit),
            'o' or 'O' => (8, static digit => digit is >= '0' and <= '7'),
            'b' or 'B' => (2, static digit => digit is '0' or '1'),
            _ => null,
        };
        var first = At(source, position + 2) == '_' ? position + 3 : position + 2;
        return radix is { } found && found.IsDigit(At(source, first)) ? radix : null;
    }

    private static long ReadInRadix(string source, int line, (int Base, Func<char, bool> IsDigit) radix, ref int position)
    {
        var start = At(source, position + 2) == '_' ? position + 3 : position + 2;
        position = Digits(source, start, radix.IsDigit);
        long value = 0;
        foreach (var digit in source.AsSpan(start, position - start))
        {
            if (digit == '_') continue;
            if (value > long.MaxValue / radix.Base) throw new InvalidChatTemplateException(line, "an integer must fit into 64 bits");
            value = value * radix.Base + Convert.ToInt32(digit.ToString(), 16);
        }

        return value >= 0 ? value : throw new InvalidChatTemplateException(line, "an integer must fit into 64 bits");
    }

    // Single underscores may separate digits.
    private static int Digits(string source, int position, Func<char, bool> isDigit)
    {
        while (isDigit(At(source, position)) || At(source, position) == '_' && isDigit(At(source, position + 1))) position++;
        return position;
    }

    private static char At(string source, int position) => position < source.Length ? source[position] : '\0';
}
