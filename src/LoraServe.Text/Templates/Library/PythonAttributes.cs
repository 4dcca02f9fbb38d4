using System.Collections.Frozen;

namespace LoraServe.Text.Templates.Library;

/// <summary>Internal attributes of Python's types, hidden from templates.</summary>
internal static class PythonAttributes
{
    private static readonly FrozenSet<string> Internal = FrozenSet.Create(
        "__class__", "__delattr__", "__dir__", "__doc__", "__eq__", "__format__", "__ge__", "__getattribute__", "__getstate__", "__gt__",
        "__hash__", "__init__", "__init_subclass__", "__le__", "__lt__", "__ne__", "__new__", "__reduce__", "__reduce_ex__", "__repr__",
        "__setattr__", "__sizeof__", "__str__", "__subclasshook__", "__add__", "__class_getitem__", "__contains__", "__delitem__",
        "__getitem__", "__iadd__", "__imul__", "__iter__", "__len__", "__mul__", "__reversed__", "__rmul__", "__setitem__", "__getnewargs__",
        "__mod__", "__rmod__", "__ior__", "__or__", "__ror__");

    /// <summary>Whether an attribute is internal.</summary>
    public static bool IsInternal(string name) => name.StartsWith("__", StringComparison.Ordinal) && Internal.Contains(name);
}
