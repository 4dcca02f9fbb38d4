using System.CommandLine;
using System.Globalization;
using System.Numerics;

namespace LoraServe.Commands;

/// <summary>Command options that take a number or one of several names, and explain invalid values in words.</summary>
internal static class ValueOption
{
    /// <summary>An option that takes a number; without it, the value is null.</summary>
    /// <param name="name">Including the dashes.</param>
    /// <param name="description">For --help.</param>
    /// <param name="least">Minimum, or null.</param>
    /// <param name="most">Maximum, or null.</param>
    public static Option<T?> Number<T>(string name, string description, T? least = null, T? most = null)
        where T : struct, INumber<T> => new(name)
        {
            Description = description,
            HelpName = "NUMBER",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                var kind = $"{name} takes a {(IsWhole<T>() ? "whole " : "")}number{Range(least, most)}";
                if (!T.TryParse(text, Styles<T>(), CultureInfo.InvariantCulture, out var number))
                    result.AddError(IsWhole<T>() && BigInteger.TryParse(text, CultureInfo.InvariantCulture, out _)
                        ? $"'{text}' is out of range: {kind}"
                        : $"'{text}' is no {(IsWhole<T>() && double.TryParse(text, CultureInfo.InvariantCulture, out _) ? "whole " : "")}number: {kind}");
                else if (number < least || number > most)
                    result.AddError($"'{text}' is out of range: {kind}");
                return number;
            },
        };

    /// <summary>An option that takes one of several names; without it, the value is null.</summary>
    public static Option<string?> Name(string name, string description, params IReadOnlyList<string> names) => new(name)
    {
        Description = description,
        HelpName = "NAME",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (!names.Contains(text)) result.AddError(UnknownName(name, text, names));
            return text;
        },
    };

    /// <summary>An option that takes a name of an enumeration, in any case; without it, the value is null.</summary>
    public static Option<T?> Name<T>(string name, string description)
        where T : struct, Enum => new(name)
        {
            Description = description,
            HelpName = "NAME",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (Enum.GetNames<T>().FirstOrDefault(known => known.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } known)
                    return Enum.Parse<T>(known);
                result.AddError(UnknownName(name, text, [.. Enum.GetNames<T>().Select(known => known.ToLowerInvariant())]));
                return null;
            },
        };

    private static bool IsWhole<T>()
        where T : INumber<T> => T.IsInteger(T.One / (T.One + T.One));

    private static NumberStyles Styles<T>()
        where T : INumber<T> => IsWhole<T>() ? NumberStyles.AllowLeadingSign : NumberStyles.Float;

    private static string Range<T>(T? least, T? most)
        where T : struct, INumber<T> => (least, most) switch
        {
            ({ } from, { } to) => $" from {from} to {to}",
            ({ } from, null) => $" from {from} on",
            (null, { } to) => $" up to {to}",
            _ => "",
        };

    private static string UnknownName(string option, string text, IReadOnlyList<string> names) =>
        $"'{text}' is unknown: {option} takes {string.Join(", ", names.SkipLast(1))} or {names[^1]}";
}
