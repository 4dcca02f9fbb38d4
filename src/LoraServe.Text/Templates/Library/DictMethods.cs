using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>The methods of a dict. As in Jinja they hide keys of the same name in a.b; a['items'] finds the key.</summary>
internal static class DictMethods
{
    public static object? Find(DictValue dict, string name) => name switch
    {
        "keys" => View(dict, name, DictView.Part.Keys),
        "values" => View(dict, name, DictView.Part.Values),
        "items" => View(dict, name, DictView.Part.Items),
        "get" => new Function(name, (rendering, arguments) =>
        {
            var bound = arguments.Bind(name, "*key", "default");
            return dict.Find(Equality.Key(rendering, bound[0]!)) ?? bound[1] ?? None.Value;
        }),
        "copy" => new Function(name, (_, arguments) =>
        {
            arguments.Bind(name);
            return dict;
        }),
        "fromkeys" => new Function(name, FromKeys),
        "clear" or "pop" or "popitem" or "setdefault" or "update" => Undefined.Unsafe(dict, name),
        _ => null,
    };

    private static Function View(DictValue dict, string name, DictView.Part part) => new(name, (_, arguments) =>
    {
        arguments.Bind(name);
        return new DictView(dict, part);
    });

    private static DictValue FromKeys(Rendering rendering, Arguments arguments)
    {
        var bound = arguments.Bind("fromkeys", "*iterable", "value");
        var dict = new DictValue();
        foreach (var key in Iteration.Of(rendering, bound[0]!))
        {
            rendering.Make(64);
            rendering.Step();
            dict.Set(Equality.Key(rendering, key), bound[1] ?? None.Value);
        }

        return dict;
    }
}
