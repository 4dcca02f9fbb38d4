using System.Numerics;

namespace LoraServe.Text.Templates.Values;

/// <summary>Python's operators on numbers, texts and sequences.</summary>
internal static class Arithmetic
{
    public static object Add(Rendering rendering, object left, object right)
    {
        switch (left, right)
        {
            case (string one, string other):
                rendering.MakeText((long)one.Length + other.Length);
                return one + other;
            case (long one, long other):
                return Checked(() => checked(one + other));
            case (ListValue one, ListValue other):
                rendering.MakeItems((long)one.Count + other.Count);
                return new ListValue([.. Iteration.Of(rendering, one), .. Iteration.Of(rendering, other)]);
            case (TupleValue one, TupleValue other):
                rendering.MakeItems((long)one.Count + other.Count);
                return new TupleValue([.. Iteration.Of(rendering, one), .. Iteration.Of(rendering, other)]);
            default:
                return Calculate("+", left, right, static (one, other) => checked(one + other), static (one, other) => one + other);
        }
    }

    public static object Subtract(Rendering rendering, object left, object right) =>
        Calculate("-", left, right, static (one, other) => checked(one - other), static (one, other) => one - other);

    public static object Multiply(Rendering rendering, object left, object right)
    {
        if (IsRepeatable(left) && Numbers.TryInteger(right, out var count)) return Repeat(rendering, left, count);
        if (IsRepeatable(right) && Numbers.TryInteger(left, out count)) return Repeat(rendering, right, count);
        return Calculate("*", left, right, static (one, other) => checked(one * other), static (one, other) => one * other);
    }

    public static object Divide(Rendering rendering, object left, object right) =>
        Calculate("/", left, right, static (one, other) => one / (double)NotZero(other), static (one, other) => one / NotZero(other));

    public static object FloorDivide(Rendering rendering, object left, object right) =>
        Calculate("//", left, right, static (one, other) => FloorDivide(one, other), static (one, other) => Floor(one, NotZero(other)));

    public static object Modulo(Rendering rendering, object left, object right)
    {
        if (left is string format) return Printf.Format(rendering, format, right);
        return Calculate("%", left, right, static (one, other) => Modulo(one, other), static (one, other) => Modulo(one, NotZero(other)));
    }

    public static object Power(Rendering rendering, object left, object right) =>
        Calculate("** or pow()", left, right, Power, static (one, other) => Power(one, other));

    public static object Negate(object value) => value is double number ? -number
        : Numbers.TryInteger(value, out var integer) ? Checked(() => checked(-integer))
        : throw BadOperand("-", value);

    public static object Plus(object value) => value is double ? value
        : Numbers.TryInteger(value, out var integer) ? integer
        : throw BadOperand("+", value);

    private static object Calculate(
        string operation, object left, object right, Func<long, long, object> integers, Func<double, double, object> floats)
    {
        if (left is BigInteger || right is BigInteger) throw TooLarge();
        if (Numbers.TryInteger(left, out var one) && Numbers.TryInteger(right, out var other)) return Checked(() => integers(one, other));
        if (Numbers.Is(left) && Numbers.Is(right)) return floats(Numbers.Float(left), Numbers.Float(right));
        if (left is Undefined undefined || (undefined = (right as Undefined)!) is not null) throw undefined.Exception();
        throw new ChatTemplateException($"unsupported operand type(s) for {operation}: '{TypeName.Of(left)}' and '{TypeName.Of(right)}'");
    }

    private static bool IsRepeatable(object value) => value is string or ListValue or TupleValue;

    private static object Repeat(Rendering rendering, object value, long count)
    {
        count = Math.Max(count, 0);
        if (value is string text)
        {
            rendering.MakeText(Product(text.Length, count));
            return string.Concat(Enumerable.Repeat(text, text.Length == 0 ? 0 : (int)count));
        }

        var sequence = (SequenceValue)value;
        rendering.MakeItems(Product(sequence.Count, count));
        var items = new List<object>();
        for (var i = 0; sequence.Count > 0 && i < count; i++) items.AddRange(Iteration.Of(rendering, sequence));
        return sequence.With(items);
    }

    private static long Product(long one, long other) => one == 0 || other <= long.MaxValue / one ? one * other : long.MaxValue / 4;

    private static long FloorDivide(long left, long right)
    {
        var quotient = checked(left / NotZero(right));
        return left % right != 0 && left < 0 != right < 0 ? quotient - 1 : quotient;
    }

    private static long Modulo(long left, long right)
    {
        if (NotZero(right) == -1) return 0L;
        var rest = left % right;
        return rest != 0 && rest < 0 != right < 0 ? rest + right : rest;
    }

    private static double Modulo(double left, double right)
    {
        var rest = left % right;
        if (rest == 0) return double.CopySign(0, right);
        return rest < 0 != right < 0 ? rest + right : rest;
    }

    private static double Floor(double left, double right)
    {
        var rest = left % right;
        var quotient = (left - rest) / right;
        if (rest != 0 && rest < 0 != right < 0) quotient -= 1;
        if (quotient == 0) return double.CopySign(0, left / right);
        var floor = Math.Floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static object Power(long value, long exponent)
    {
        if (exponent < 0) return Power((double)value, exponent);
        if (value is 0 or 1 || exponent == 0) return exponent == 0 ? 1L : value;
        if (value == -1) return exponent % 2 == 0 ? 1L : -1L;
        var power = 1L;
        for (var i = 0L; i < exponent; i++) power = checked(power * value);
        return power;
    }

    private static double Power(double value, double exponent)
    {
        if (value == 0 && exponent < 0) throw new ChatTemplateException("0.0 cannot be raised to a negative power");
        var power = Math.Pow(value, exponent);
        if (double.IsNaN(power) && !double.IsNaN(value) && !double.IsNaN(exponent))
            throw new ChatTemplateException("complex numbers are not supported");
        if (double.IsInfinity(power) && double.IsFinite(value) && double.IsFinite(exponent))
            throw new ChatTemplateException("numerical result out of range");
        return power;
    }

    private static long NotZero(long value) => value != 0 ? value : throw new ChatTemplateException("division by zero");

    private static double NotZero(double value) => value != 0 ? value : throw new ChatTemplateException("division by zero");

    private static object Checked(Func<object> calculate)
    {
        try
        {
            return calculate();
        }
        catch (OverflowException)
        {
            throw TooLarge();
        }
    }

    private static ChatTemplateException TooLarge() => new("integers of more than 64 bits are not supported in calculations");

    private static ChatTemplateException BadOperand(string operation, object value) => value switch
    {
        Undefined undefined => undefined.Exception(),
        BigInteger => TooLarge(),
        _ => new ChatTemplateException($"bad operand type for unary {operation}: '{TypeName.Of(value)}'"),
    };
}
