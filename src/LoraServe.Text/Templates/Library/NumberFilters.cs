using System.Globalization;
using System.Numerics;
using LoraServe.Text.Templates.Syntax;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>Filters whose result is a number.</summary>
internal static class NumberFilters
{
    // Longer texts are parsed as floats.
    private const int MaxDigits = 400;

    public static void AddTo(Dictionary<string, Func<Rendering, object, Arguments, object>> filters)
    {
        filters.Add("int", ["default", "base"], ToInt);
        filters.Add("float", ["default"], ToFloat);
        filters.Add("abs", [], (_, value, _) => Abs(value));
        filters.Add("round", ["precision", "method"], Round);
    }

    private static object ToInt(Rendering rendering, object value, object?[] arguments)
    {
        var radix = arguments[1] is null ? 10 : Numbers.Integer(arguments[1]!);
        if (radix is not (0 or (>= 2 and <= 36))) throw new ChatTemplateException("int: expected a base of 0 or 2 to 36");
        var byDefault = arguments[0] ?? 0L;
        switch (value)
        {
            case bool or long or BigInteger:
                return value is bool flag ? flag ? 1L : 0L : value;
            case double number:
                return !double.IsInfinity(number)
                    ? Truncate(number, byDefault)
                    : throw new ChatTemplateException("cannot convert float infinity to integer");
            case string text:
                rendering.Classify(text.Length);
                rendering.Steps(2L * Math.Min(text.Length, MaxDigits));
                if (text.Length <= MaxDigits && ParseInteger(text, (int)radix) is { } integer) return Narrow(integer);
                return ParseFloat(text) is { } parsed ? Truncate(parsed, byDefault) : byDefault;
            case Undefined undefined:
                throw undefined.Exception();
            default:
                return byDefault;
        }
    }

    private static object ToFloat(Rendering rendering, object value, object?[] arguments)
    {
        if (value is Undefined undefined) throw undefined.Exception();
        if (Numbers.Is(value)) return Numbers.Float(value);
        if (value is not string text) return arguments[0] ?? 0.0;
        rendering.Classify(text.Length);
        return ParseFloat(text) ?? arguments[0] ?? 0.0;
    }

    private static object Truncate(double number, object byDefault)
    {
        if (!double.IsFinite(number)) return byDefault;
        return Narrow(new BigInteger(number));
    }

    private static object Narrow(BigInteger value)
    {
        object integer = value;
        if (value >= long.MinValue && value <= long.MaxValue) integer = (long)value;
        return integer;
    }

    private static object Abs(object value) => value switch
    {
        double number => Math.Abs(number),
        BigInteger number => BigInteger.Abs(number),
        _ when Numbers.TryInteger(value, out var integer) => integer < 0 ? Arithmetic.Negate(integer) : integer,
        Undefined undefined => throw undefined.Exception(),
        _ => throw new ChatTemplateException($"bad operand type for abs(): '{TypeName.Of(value)}'"),
    };

    private static object Round(Rendering rendering, object value, object?[] arguments)
    {
        if (value is Undefined undefined) throw undefined.Exception();
        if (!Numbers.Is(value) || value is BigInteger)
            throw new ChatTemplateException($"round: expected a number, found '{TypeName.Of(value)}'");
        rendering.Steps(16);
        var precision = (int)Math.Clamp(arguments[0] is null ? 0 : Numbers.Integer(arguments[0]!), -400, 400);
        switch (arguments[1] ?? "common")
        {
            case "common":
                return value is double number
                    ? DecimalRounding.Round(number, precision)
                    : (object)DecimalRounding.Round(Numbers.Integer(value), precision);
            case "ceil" or "floor":
                var unit = Arithmetic.Power(rendering, 10L, (long)precision);
                var scaled = Numbers.Float(Arithmetic.Multiply(rendering, value, unit));
                if (!double.IsFinite(scaled)) throw new ChatTemplateException("round: the number is too large");
                var whole = arguments[1] is "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled);
                return Arithmetic.Divide(rendering, whole, unit);
            default:
                throw new ChatTemplateException("round: method must be common, ceil or floor");
        }
    }

    private static BigInteger? ParseInteger(string text, int radix)
    {
        var digits = Trimmed(text);
        var isNegative = digits.StartsWith('-');
        if (isNegative || digits.StartsWith('+')) digits = digits[1..];
        var prefix = Prefix(digits);
        if (prefix > 0 && (radix == 0 || radix == prefix)) digits = digits[2] == '_' ? digits[3..] : digits[2..];
        if (radix == 0)
        {
            radix = prefix > 0 ? prefix : 10;
            if (prefix == 0 && digits.Length > 1 && digits[0] == '0' && digits.Trim('0', '_').Length > 0) return null;
        }

        if (digits.Length == 0 || digits[0] == '_' || digits[^1] == '_' || digits.Contains("__", StringComparison.Ordinal)) return null;
        var value = BigInteger.Zero;
        foreach (var digit in digits)
        {
            if (digit == '_') continue;
            var number = char.IsAsciiLetter(digit) ? char.ToLowerInvariant(digit) - 'a' + 10 : CharUnicodeInfo.GetDecimalDigitValue(digit);
            if (number < 0 || number >= radix) return null;
            value = value * radix + number;
        }

        return isNegative ? -value : value;
    }

    private static int Prefix(string digits) => digits.Length <= 2 || digits[0] != '0' ? 0 : digits[1] switch
    {
        'x' or 'X' => 16,
        'o' or 'O' => 8,
        'b' or 'B' => 2,
        _ => 0,
    };

    private static double? ParseFloat(string text)
    {
        var trimmed = Trimmed(text);
        if (trimmed.StartsWith('_') || trimmed.EndsWith('_') || trimmed.Contains("__", StringComparison.Ordinal)) return null;
        var digits = trimmed.Replace("_", "", StringComparison.Ordinal);
        switch (digits.TrimStart('+', '-').ToLowerInvariant())
        {
            case "inf" or "infinity": return digits.StartsWith('-') ? double.NegativeInfinity : double.PositiveInfinity;
            case "nan": return double.NaN;
        }

        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(digits, Style, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private static string Trimmed(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && Characters.IsSpace(text[start])) start++;
        while (end > start && Characters.IsSpace(text[end - 1])) end--;
        return text[start..end];
    }
}
