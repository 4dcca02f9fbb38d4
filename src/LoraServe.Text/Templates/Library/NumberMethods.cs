using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>The attributes of numbers.</summary>
internal static class NumberMethods
{
    public static object? Find(object number, string name) => (number, name) switch
    {
        (double, "real") => number,
        (_, "real" or "numerator") when Numbers.TryInteger(number, out var integer) => integer,
        (double, "imag") => 0.0,
        (_, "imag") => 0L,
        (long or bool, "denominator") => 1L,
        (double value, "is_integer") => new Function(name, (_, arguments) =>
        {
            arguments.Bind(name);
            return Flag.Of(double.IsFinite(value) && Math.Floor(value) == value);
        }),
        (long or bool, "bit_length") => new Function(name, (_, arguments) =>
        {
            arguments.Bind(name);
            var magnitude = Int128.Abs(Numbers.Integer(number));
            return 128L - (long)Int128.LeadingZeroCount(magnitude);
        }),
        (long or bool, "to_bytes" or "from_bytes" or "as_integer_ratio" or "bit_count" or "conjugate")
            or (double, "hex" or "fromhex" or "as_integer_ratio" or "conjugate") =>
            throw new ChatTemplateException($"method '{name}' of a number is not supported"),
        _ => null,
    };
}
