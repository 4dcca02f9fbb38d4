using System.Globalization;
using System.Numerics;

namespace LoraServe.Text.Templates.Values;

/// <summary>Rounds the exact value of a float to decimal digits, half to even.</summary>
internal static class DecimalRounding
{
    /// <summary>A positive number with a fixed number of digits after the point.</summary>
    public static string Fixed(double number, int digits)
    {
        var text = Scaled(number, digits).ToString(CultureInfo.InvariantCulture).PadLeft(digits + 1, '0');
        return digits == 0 ? text : $"{text[..^digits]}.{text[^digits..]}";
    }

    /// <summary>The float nearest to the number rounded to <paramref name="digits"/> digits after the point, or before it if negative.</summary>
    public static double Round(double number, int digits)
    {
        if (!double.IsFinite(number) || digits > 330) return number;
        if (digits < -330) return double.CopySign(0, number);
        var scaled = Scaled(Math.Abs(number), digits);
        var rounded = double.Parse($"{scaled}E{-digits}", CultureInfo.InvariantCulture);
        if (double.IsInfinity(rounded)) throw new ChatTemplateException("rounded value too large to represent");
        return double.CopySign(rounded, number);
    }

    /// <summary>An integer rounded to a power of ten.</summary>
    public static long Round(long number, int digits)
    {
        if (digits >= 0) return number;
        if (digits < -19) return 0;
        var unit = BigInteger.Pow(10, -digits);
        return (long)(Divide(number, unit) * unit);
    }

    private static BigInteger Scaled(double number, int digits)
    {
        var bits = BitConverter.DoubleToInt64Bits(number);
        var exponent = (int)(bits >> 52 & 0x7FF);
        var mantissa = exponent == 0 ? bits & 0xFFFFFFFFFFFFF : bits & 0xFFFFFFFFFFFFF | 1L << 52;
        var power = Math.Max(exponent, 1) - 1075;
        var (numerator, denominator) = (new BigInteger(mantissa), BigInteger.One);
        if (power > 0) numerator <<= power;
        else denominator <<= -power;
        if (digits > 0) numerator *= BigInteger.Pow(10, digits);
        else denominator *= BigInteger.Pow(10, -digits);
        return Divide(numerator, denominator);
    }

    private static BigInteger Divide(BigInteger numerator, BigInteger denominator)
    {
        var quotient = BigInteger.DivRem(BigInteger.Abs(numerator), denominator, out var rest);
        var order = (rest * 2).CompareTo(denominator);
        if (order > 0 || order == 0 && !quotient.IsEven) quotient += 1;
        return numerator.Sign < 0 ? -quotient : quotient;
    }
}
