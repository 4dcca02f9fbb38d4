using System.Numerics;

namespace LoraServe.Text.Templates.Values;

/// <summary>Python's numbers: booleans are 0 and 1; integers have 64 bits, and longer ones of the input can only be printed and compared.</summary>
internal static class Numbers
{
    public static bool Is(object value) => value is long or double or bool or BigInteger;

    /// <summary>The value as an integer; booleans count.</summary>
    public static bool TryInteger(object value, out long integer)
    {
        integer = value switch
        {
            long number => number,
            bool flag => flag ? 1 : 0,
            _ => 0,
        };
        return value is long or bool;
    }

    /// <summary>The value as an integer argument of a function; throws if it is not one.</summary>
    public static long Integer(object value) =>
        TryInteger(value, out var integer) ? integer
        : value is Undefined undefined ? throw undefined.Exception()
        : throw new ChatTemplateException($"expected an integer, found '{TypeName.Of(value)}'");

    public static double Float(object value) => value switch
    {
        double number => number,
        long number => number,
        bool flag => flag ? 1 : 0,
        BigInteger number => (double)number,
        _ => throw new ChatTemplateException($"expected a number, found '{TypeName.Of(value)}'"),
    };

    /// <summary>Compares two numbers: negative, zero or positive; null if one is not a number.</summary>
    public static int? Compare(object left, object right)
    {
        if (left is double or BigInteger || right is double or BigInteger) return CompareMixed(left, right);
        TryInteger(left, out var one);
        TryInteger(right, out var other);
        return one.CompareTo(other);
    }

    // Compares exactly: converting a long to double would round it.
    private static int? CompareMixed(object left, object right)
    {
        if (left is double one && right is double other)
            return double.IsNaN(one) || double.IsNaN(other) ? null : one.CompareTo(other);
        if (right is double) return -CompareMixed(right, left);
        var integer = right is BigInteger big ? big : new BigInteger(Integer(right));
        if (left is not double number) return (left is BigInteger value ? value : new BigInteger(Integer(left))).CompareTo(integer);
        if (double.IsNaN(number)) return null;
        if (double.IsInfinity(number)) return number > 0 ? 1 : -1;
        var floor = new BigInteger(Math.Floor(number)).CompareTo(integer);
        return floor != 0 || Math.Floor(number) == number ? floor : 1;
    }
}
