using LoraServe.Text.Templates.Library;

namespace LoraServe.Text.Templates.Values;

/// <summary>
/// a.b and a['b']. Values have the methods of Python's types and no other attributes: Jinja's sandbox treats those as unsafe. a.b falls
/// back to an item, a['b'] to an attribute.
/// </summary>
internal static class Attributes
{
    /// <summary>a.b</summary>
    public static object Get(Rendering rendering, object owner, string name)
    {
        if (owner is Undefined undefined && !PythonAttributes.IsInternal(name)) throw undefined.Exception();
        if (Find(rendering, owner, name) is { } attribute) return attribute;
        return owner is DictValue dict && dict.Find(name) is { } item ? item : Undefined.Member(owner, name);
    }

    /// <summary>a[b]</summary>
    public static object GetItem(Rendering rendering, object owner, object key)
    {
        if (owner is Undefined undefined) throw undefined.Exception();
        if (Item(rendering, owner, key) is { } item) return item;
        return key is string name && Find(rendering, owner, name) is { } attribute ? attribute : Undefined.Member(owner, key);
    }

    /// <summary>An attribute, or null; does not fall back to items.</summary>
    public static object? Find(Rendering rendering, object owner, string name)
    {
        rendering.Read(name.Length);
        var attribute = owner switch
        {
            DictValue dict => DictMethods.Find(dict, name),
            string text => StringMethods.Find(text, name),
            NamespaceValue space => space.Attributes.Find(name),
            LoopValue loop => loop.Attribute(rendering, name),
            ListValue list => SequenceMethods.Find(list, name),
            TupleValue tuple => SequenceMethods.Find(tuple, name),
            RangeValue range => SequenceMethods.Find(range, name),
            MacroValue macro => name switch
            {
                "name" => macro.Macro.Name,
                "arguments" => macro.Arguments(rendering),
                _ => null,
            },
            CyclerValue cycler => CyclerAttribute(cycler, name),
            long or bool => NumberMethods.Find(owner, name),
            double => NumberMethods.Find(owner, name),
            _ => null,
        };
        return attribute ?? (PythonAttributes.IsInternal(name) ? Undefined.Unsafe(owner, name) : null);
    }

    private static object? Item(Rendering rendering, object owner, object key)
    {
        switch (owner)
        {
            case DictValue dict:
                return key is ListValue or DictValue or SliceValue ? null : dict.Find(Equality.Key(rendering, key));
            case string or SequenceValue when key is SliceValue slice:
                return Slicing.Of(rendering, owner, slice);
            case SequenceValue sequence when Numbers.TryInteger(key, out var index):
                if (index < 0) index += sequence.Count;
                return index >= 0 && index < sequence.Count ? sequence[(int)index] : null;
            case string text when Numbers.TryInteger(key, out var index):
                return Slicing.Character(rendering, text, index);
            default:
                return null;
        }
    }

    private static object? CyclerAttribute(CyclerValue cycler, string name) => name switch
    {
        "current" => cycler.Current,
        "next" => new Function(name, (_, arguments) =>
        {
            arguments.Bind(name);
            return cycler.Next();
        }),
        "reset" => new Function(name, (_, arguments) =>
        {
            arguments.Bind(name);
            cycler.Reset();
            return None.Value;
        }),
        _ => null,
    };
}
