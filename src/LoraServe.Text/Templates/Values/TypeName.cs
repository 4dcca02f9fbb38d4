using System.Numerics;

namespace LoraServe.Text.Templates.Values;

/// <summary>Type names as in Python's error messages.</summary>
internal static class TypeName
{
    public static string Of(object value) => value switch
    {
        None => "NoneType",
        bool => "bool",
        long or BigInteger => "int",
        double => "float",
        string => "str",
        ListValue => "list",
        TupleValue => "tuple",
        DictValue => "dict",
        RangeValue => "range",
        Generator => "generator",
        DictView view => view.TypeName,
        NamespaceValue => "Namespace",
        Undefined => "Undefined",
        LoopValue => "LoopContext",
        MacroValue => "Macro",
        CyclerValue => "Cycler",
        JoinerValue => "Joiner",
        SliceValue => "slice",
        _ => "function",
    };

    public static string OfOwner(object value) => value is None ? "None" : $"{Of(value)} object";
}
