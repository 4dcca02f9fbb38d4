using System.Globalization;

namespace LoraServe.Text.Templates.Values;

/// <summary>A float as Python prints it: the fewest digits that read back as the same number.</summary>
internal static class FloatText
{
    public static string Of(double number)
    {
        if (double.IsNaN(number)) return "nan";
        if (double.IsInfinity(number)) return number > 0 ? "inf" : "-inf";
        var (sign, digits, exponent) = Parts(number);
        if (exponent is < -4 or >= 16)
        {
            var fraction = digits.Length > 1 ? $".{digits[1..]}" : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        if (exponent < 0) return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        return digits.Length <= exponent + 1
            ? $"{sign}{digits.PadRight(exponent + 1, '0')}.0"
            : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    // The number is d.ddd times ten to the exponent.
    private static (string Sign, string Digits, int Exponent) Parts(double number)
    {
        var shortest = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture);
        var mantissa = shortest.Split('E')[0];
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        var exponent = number == 0 ? 0 : Exponent(shortest, mantissa);
        return (double.IsNegative(number) ? "-" : "", digits.Length == 0 ? "0" : digits, exponent);
    }

    private static int Exponent(string shortest, string mantissa)
    {
        var scale = shortest.Contains('E') ? int.Parse(shortest.AsSpan(shortest.IndexOf('E') + 1), CultureInfo.InvariantCulture) : 0;
        var point = mantissa.IndexOf('.');
        var whole = (point < 0 ? mantissa : mantissa[..point]).TrimStart('0');
        if (whole.Length > 0) return scale + whole.Length - 1;
        var fraction = mantissa[(point + 1)..];
        return scale - (fraction.Length - fraction.TrimStart('0').Length) - 1;
    }
}
