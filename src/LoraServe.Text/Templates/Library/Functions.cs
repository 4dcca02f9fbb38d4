using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>The global functions of templates; variables of the same name hide them.</summary>
internal static class Functions
{
    private static readonly Dictionary<string, object> All = new(StringComparer.Ordinal)
    {
        ["range"] = new Function("range", Range),
        ["dict"] = new Function("dict", Dict),
        ["namespace"] = new Function("namespace", (rendering, arguments) => new NamespaceValue(Dict(rendering, arguments))),
        ["cycler"] = new Function("cycler", (_, arguments) => arguments.Positional.Count > 0 && arguments.Named.Count == 0
            ? new CyclerValue(arguments.Positional)
            : throw new ChatTemplateException("cycler() needs at least one item")),
        ["joiner"] = new Function("joiner", (_, arguments) => new JoinerValue(arguments.Bind("joiner", "sep")[0] ?? ", ")),
        ["lipsum"] = new Function("lipsum", (_, _) => throw new ChatTemplateException("lipsum() is not supported: its text is random")),
        ["raise_exception"] = new Function("raise_exception", (rendering, arguments) =>
            throw new ChatTemplateException(ValueText.Of(rendering, arguments.Bind("raise_exception", "*message")[0]!)) { IsRaised = true }),
        ["strftime_now"] = new Function("strftime_now", (rendering, arguments) =>
            Strftime.Format(rendering, rendering.Now, StringMethods.String(arguments.Bind("strftime_now", "*format")[0]!))),
    };

    /// <summary>The function, or null.</summary>
    public static object? Find(string name) => All.GetValueOrDefault(name);

    private static RangeValue Range(Rendering rendering, Arguments arguments)
    {
        var bound = arguments.Bind("range", "*start", "stop", "step");
        var (start, stop) = bound[1] is null ? (0, Numbers.Integer(bound[0]!)) : (Numbers.Integer(bound[0]!), Numbers.Integer(bound[1]!));
        var step = bound[2] is null ? 1 : Numbers.Integer(bound[2]!);
        if (step == 0) throw new ChatTemplateException("range() arg 3 must not be zero");
        var distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        var count = distance <= 0 ? 0 : (distance - 1) / Int128.Abs(step) + 1;
        return count <= RenderLimits.RangeLength
            ? new RangeValue(start, stop, step, (int)count)
            : throw new ChatTemplateException($"range(): a range may have at most {RenderLimits.RangeLength} numbers");
    }

    private static DictValue Dict(Rendering rendering, Arguments arguments)
    {
        var dict = new DictValue();
        if (arguments.Positional.Count > 1) throw new ChatTemplateException("dict() takes at most 1 positional argument");
        if (arguments.Positional.Count == 1) Fill(rendering, dict, arguments.Positional[0]);
        rendering.MakeItems(4L * arguments.Named.Count);
        foreach (var (name, value) in arguments.Named) dict.Set(name, value);
        return dict;
    }

    private static void Fill(Rendering rendering, DictValue dict, object source)
    {
        if (source is Undefined undefined) throw undefined.Exception();
        var items = source is DictValue other ? new DictView(other, DictView.Part.Items) : source;
        foreach (var item in Iteration.Of(rendering, items))
        {
            rendering.Step();
            rendering.Make(64);
            var pair = Iteration.ToList(rendering, item);
            if (pair.Count != 2) throw new ChatTemplateException("dict(): every item must be a pair of a key and a value");
            dict.Set(Equality.Key(rendering, pair[0]), pair[1]);
        }
    }
}
