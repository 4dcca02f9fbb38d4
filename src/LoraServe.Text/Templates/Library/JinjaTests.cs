using System.Numerics;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>The tests of templates (operator is), by name.</summary>
internal static class JinjaTests
{
    private static readonly Dictionary<string, Func<Rendering, object, Arguments, bool>> All = new(StringComparer.Ordinal)
    {
        ["defined"] = Plain(static value => value is not Undefined),
        ["undefined"] = Plain(static value => value is Undefined),
        ["none"] = Plain(static value => value is None),
        ["boolean"] = Plain(static value => value is bool),
        ["true"] = Plain(static value => value is true),
        ["false"] = Plain(static value => value is false),
        ["integer"] = Plain(static value => value is long or BigInteger),
        ["float"] = Plain(static value => value is double),
        ["number"] = Plain(Numbers.Is),
        ["string"] = Plain(static value => value is string),
        ["mapping"] = Plain(static value => value is DictValue),
        ["sequence"] = Plain(static value => value is SequenceValue or string or DictValue or Undefined),
        ["iterable"] = Plain(static value => value is SequenceValue or string or DictValue or DictView or Generator or Undefined or LoopValue),
        ["callable"] = Plain(static value => value is CallableValue or Undefined),
        ["escaped"] = Plain(static _ => false),
        ["lower"] = (rendering, value, arguments) => HasNone(arguments) && CharacterClasses.IsLower(rendering, ValueText.Of(rendering, value)),
        ["upper"] = (rendering, value, arguments) => HasNone(arguments) && CharacterClasses.IsUpper(rendering, ValueText.Of(rendering, value)),
        ["odd"] = (rendering, value, arguments) => HasNone(arguments) && Equality.Of(rendering, Arithmetic.Modulo(rendering, value, 2L), 1L),
        ["even"] = (rendering, value, arguments) => HasNone(arguments) && Equality.Of(rendering, Arithmetic.Modulo(rendering, value, 2L), 0L),
        ["divisibleby"] = (rendering, value, arguments) =>
            Equality.Of(rendering, Arithmetic.Modulo(rendering, value, arguments.Bind("divisibleby", "*num")[0]!), 0L),
        ["sameas"] = Binary("sameas", IsSame),
        ["in"] = Binary("in", Membership.Contains),
        ["filter"] = Named(static name => Filters.Find(name) is not null),
        ["test"] = Named(static name => Find(name) is not null),
        ["=="] = Binary("==", Equality.Of),
        ["eq"] = Binary("eq", Equality.Of),
        ["equalto"] = Binary("equalto", Equality.Of),
        ["!="] = Binary("!=", IsNotEqual),
        ["ne"] = Binary("ne", IsNotEqual),
        [">"] = Binary(">", Ordering.IsGreater),
        ["gt"] = Binary("gt", Ordering.IsGreater),
        ["greaterthan"] = Binary("greaterthan", Ordering.IsGreater),
        [">="] = Binary(">=", Ordering.IsGreaterOrEqual),
        ["ge"] = Binary("ge", Ordering.IsGreaterOrEqual),
        ["<"] = Binary("<", Ordering.IsLess),
        ["lt"] = Binary("lt", Ordering.IsLess),
        ["lessthan"] = Binary("lessthan", Ordering.IsLess),
        ["<="] = Binary("<=", Ordering.IsLessOrEqual),
        ["le"] = Binary("le", Ordering.IsLessOrEqual),
    };

    /// <summary>The test, or null.</summary>
    public static Func<Rendering, object, Arguments, bool>? Find(string name) => All.GetValueOrDefault(name);

    private static Func<Rendering, object, Arguments, bool> Plain(Func<object, bool> test) =>
        (_, value, arguments) => HasNone(arguments) && test(value);

    private static Func<Rendering, object, Arguments, bool> Named(Func<string, bool> exists) => (rendering, value, arguments) =>
    {
        if (!HasNone(arguments) || value is not string name) return false;
        rendering.Read(name.Length);
        return exists(name);
    };

    private static Func<Rendering, object, Arguments, bool> Binary(string name, Func<Rendering, object, object, bool> test) =>
        (rendering, value, arguments) => test(rendering, value, arguments.Bind(name, "*other")[0]!);

    private static bool HasNone(Arguments arguments)
    {
        arguments.Bind("test");
        return true;
    }

    private static bool IsNotEqual(Rendering rendering, object left, object right) => !Equality.Of(rendering, left, right);

    // Whether two equal strings are the same object depends on Python's interning.
    private static bool IsSame(Rendering rendering, object left, object right)
    {
        if (ReferenceEquals(left, right)) return true;
        if (left is string && left.Equals(right)) throw new ChatTemplateException("the test sameas is not supported for texts: use ==");
        return left is bool or long && left.Equals(right);
    }
}
