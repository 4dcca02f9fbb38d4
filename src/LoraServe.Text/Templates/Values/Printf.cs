using System.Globalization;
using System.Numerics;

namespace LoraServe.Text.Templates.Values;

/// <summary>Python's "%s and %d" % values.</summary>
internal static class Printf
{
    private const int MaxWidth = 10_000;
    private const int MaxPrecision = 100;

    public static string Format(Rendering rendering, string format, object values)
    {
        var text = new TextBuilder(rendering);
        var source = new Source(rendering, values);
        rendering.Classify(format.Length);
        for (var i = 0; i < format.Length;)
        {
            var percent = format.IndexOf('%', i);
            if (percent < 0)
            {
                text.Append(format.AsSpan(i));
                break;
            }

            text.Append(format.AsSpan(i, percent - i));
            i = percent + 1;
            rendering.Step();
            Convert(rendering, text, format, ref i, source);
        }

        source.CheckAllUsed();
        return text.ToString();
    }

    private static void Convert(Rendering rendering, TextBuilder text, string format, ref int i, Source source)
    {
        object? mapped = null;
        if (i < format.Length && format[i] == '(')
        {
            var end = format.IndexOf(')', i);
            if (end < 0) throw new ChatTemplateException("incomplete format key");
            mapped = source.Named(format[(i + 1)..end]);
            i = end + 1;
        }

        var flags = "";
        for (; i < format.Length && "#0- +".Contains(format[i]); i++)
            if (!flags.Contains(format[i])) flags += format[i];
        var width = Number(format, ref i, source, MaxWidth) ?? 0;
        if (width < 0) (flags, width) = (flags + "-", -width);
        int? precision = null;
        if (i < format.Length && format[i] == '.')
        {
            i++;
            precision = Math.Max(Number(format, ref i, source, MaxPrecision) ?? 0, 0);
        }

        while (i < format.Length && format[i] is 'l' or 'h' or 'L') i++;
        if (i >= format.Length) throw new ChatTemplateException("incomplete format");
        var conversion = format[i++];
        if (conversion == '%')
        {
            text.Append('%');
            return;
        }

        Pad(text, Of(rendering, conversion, flags, precision, mapped ?? source.Next()), width, flags, conversion);
    }

    private static string Of(Rendering rendering, char conversion, string flags, int? precision, object value) => conversion switch
    {
        's' => Cut(ValueText.Of(rendering, value), precision),
        'r' or 'a' => Cut(ValueText.Represent(rendering, value), precision),
        'd' or 'i' or 'u' => Signed(Whole(rendering, conversion, value), flags, number => Digits(number.ToString(CultureInfo.InvariantCulture), precision)),
        'x' => Signed(Whole(rendering, conversion, value), flags, number => (flags.Contains('#') ? "0x" : "") + Digits(Hex(number), precision)),
        'X' => Signed(
            Whole(rendering, conversion, value),
            flags,
            number => (flags.Contains('#') ? "0X" : "") + Digits(Hex(number).ToUpperInvariant(), precision)),
        'o' => Signed(Whole(rendering, conversion, value), flags, number => (flags.Contains('#') ? "0o" : "") + Digits(Octal(number), precision)),
        'c' => value is string { Length: 1 or 2 } text && Codepoints.Count(text) == 1 ? text
            : Numbers.TryInteger(value, out var code) && code is (>= 0 and < 0xD800) or (> 0xDFFF and <= 0x10FFFF) ? char.ConvertFromUtf32((int)code)
            : throw new ChatTemplateException("%c requires int or char"),
        'f' or 'F' => Fixed(rendering, Real(value), flags, precision ?? 6),
        'e' or 'E' or 'g' or 'G' => throw new ChatTemplateException($"the format %{conversion} is not supported"),
        _ => throw new ChatTemplateException("unsupported format character"),
    };

    private static void Pad(TextBuilder text, string content, int width, string flags, char conversion)
    {
        var missing = width - Codepoints.Count(content);
        if (flags.Contains('-')) text.Append(content).Append(' ', missing);
        else if (flags.Contains('0') && conversion is not ('s' or 'r' or 'a' or 'c'))
        {
            var sign = content.StartsWith('-') || content.StartsWith('+') || content.StartsWith(' ') ? 1 : 0;
            text.Append(content.AsSpan(0, sign)).Append('0', missing).Append(content.AsSpan(sign));
        }
        else text.Append(' ', missing).Append(content);
    }

    private static int? Number(string format, ref int i, Source source, int most)
    {
        if (i < format.Length && format[i] == '*')
        {
            i++;
            var asked = Numbers.Integer(source.Next());
            return Math.Abs(asked) <= most ? (int)asked : throw TooLarge(most);
        }

        var start = i;
        while (i < format.Length && char.IsAsciiDigit(format[i])) i++;
        if (i == start) return null;
        return int.TryParse(format.AsSpan(start, i - start), out var number) && number <= most ? number : throw TooLarge(most);
    }

    private static string Signed(BigInteger number, string flags, Func<BigInteger, string> digits) =>
        Sign(number.Sign < 0, flags) + digits(BigInteger.Abs(number));

    private static string Sign(bool isNegative, string flags) =>
        isNegative ? "-" : flags.Contains('+') ? "+" : flags.Contains(' ') ? " " : "";

    private static string Digits(string digits, int? precision) => digits.PadLeft(precision ?? 0, '0');

    private static string Hex(BigInteger number) => number.IsZero ? "0" : number.ToString("x", CultureInfo.InvariantCulture).TrimStart('0');

    private static string Octal(BigInteger number)
    {
        if (number.IsZero) return "0";
        var bits = number.ToString("b", CultureInfo.InvariantCulture).TrimStart('0');
        bits = bits.PadLeft((bits.Length + 2) / 3 * 3, '0');
        return string.Concat(bits.Chunk(3).Select(three => System.Convert.ToInt32(new string(three), 2)));
    }

    private static string Fixed(Rendering rendering, double number, string flags, int precision)
    {
        rendering.Steps(16);
        if (!double.IsFinite(number)) return Sign(number < 0, flags) + (double.IsNaN(number) ? "nan" : "inf");
        return Sign(double.IsNegative(number), flags) + DecimalRounding.Fixed(Math.Abs(number), precision);
    }

    private static string Cut(string text, int? precision) => precision is { } most ? Slicing.Start(text, most) : text;

    private static BigInteger Whole(Rendering rendering, char conversion, object value) => value switch
    {
        BigInteger number => Long(rendering, number),
        double number when conversion is 'd' or 'i' or 'u' && double.IsFinite(number) => new BigInteger(number),
        _ when Numbers.TryInteger(value, out var integer) => integer,
        Undefined undefined => throw undefined.Exception(),
        _ => throw new ChatTemplateException($"%{conversion} format: a real number is required, not {TypeName.Of(value)}"),
    };

    // Printing takes time quadratic in the number of digits.
    private static BigInteger Long(Rendering rendering, BigInteger number)
    {
        rendering.Steps(2L * number.GetByteCount());
        return number;
    }

    private static double Real(object value) => Numbers.Is(value) ? Numbers.Float(value)
        : value is Undefined undefined ? throw undefined.Exception()
        : throw new ChatTemplateException($"must be real number, not {TypeName.Of(value)}");

    private static ChatTemplateException TooLarge(int most) => new($"a width or precision of a format may be at most {most}");

    /// <summary>The arguments: a tuple's items in turn, a dictionary's values by name, or any other value once.</summary>
    private sealed class Source(Rendering rendering, object values)
    {
        private int _used;

        public object Next()
        {
            var count = values is TupleValue tuple ? tuple.Count : 1;
            if (_used >= count) throw new ChatTemplateException("not enough arguments for format string");
            var value = values is TupleValue items ? items[_used] : values;
            _used++;
            return value;
        }

        public object Named(string name)
        {
            if (values is not DictValue dict) throw new ChatTemplateException("format requires a mapping");
            _used = 1;
            return dict.Find(Equality.Key(rendering, name)) ?? throw new ChatTemplateException($"there is no value '{name}' for the format");
        }

        public void CheckAllUsed()
        {
            var isAll = values switch
            {
                TupleValue tuple => _used >= tuple.Count,
                DictValue or ListValue or RangeValue => true,
                Undefined => true,
                _ => _used == 1,
            };
            if (!isAll) throw new ChatTemplateException("not all arguments converted during string formatting");
        }
    }
}
