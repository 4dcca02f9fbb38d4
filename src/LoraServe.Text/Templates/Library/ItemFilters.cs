using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>Filters that process each item.</summary>
internal static class ItemFilters
{
    public static void AddTo(Dictionary<string, Func<Rendering, object, Arguments, object>> filters)
    {
        filters["map"] = (rendering, value, arguments) => new Generator(Map(rendering, value, arguments), value);
        filters["select"] = (rendering, value, arguments) =>
            new Generator(Choose(rendering, value, arguments, byAttribute: false, keep: true), value);
        filters["reject"] = (rendering, value, arguments) =>
            new Generator(Choose(rendering, value, arguments, byAttribute: false, keep: false), value);
        filters["selectattr"] = (rendering, value, arguments) =>
            new Generator(Choose(rendering, value, arguments, byAttribute: true, keep: true), value);
        filters["rejectattr"] = (rendering, value, arguments) =>
            new Generator(Choose(rendering, value, arguments, byAttribute: true, keep: false), value);
        filters.Add("join", ["d", "attribute"], Join);
        filters.Add("sort", ["reverse", "case_sensitive", "attribute"], Sort);
        filters.Add("unique", ["case_sensitive", "attribute"], (rendering, value, a) => new Generator(Unique(rendering, value, a), value));
        filters.Add("min", ["case_sensitive", "attribute"], (rendering, value, a) => Extreme(rendering, value, a, Ordering.IsLess));
        filters.Add("max", ["case_sensitive", "attribute"], (rendering, value, a) => Extreme(rendering, value, a, Ordering.IsGreater));
        filters.Add("sum", ["attribute", "start"], Sum);
        filters.Add("groupby", ["*attribute", "default", "case_sensitive"], GroupBy);
    }

    // As in Jinja, faults in the arguments surface only when the first item is requested, and never if the value is false.
    private static IEnumerable<object> Map(Rendering rendering, object value, Arguments arguments)
    {
        if (!Truth.Of(value)) yield break;
        var map = Mapping(rendering, arguments);
        foreach (var item in Iteration.Of(rendering, value))
        {
            rendering.Step();
            yield return map(item);
        }
    }

    private static IEnumerable<object> Choose(Rendering rendering, object value, Arguments arguments, bool byAttribute, bool keep)
    {
        if (!Truth.Of(value)) yield break;
        var holds = Condition(rendering, arguments, byAttribute);
        foreach (var item in Iteration.Of(rendering, value))
        {
            rendering.Step();
            if (holds(item) == keep) yield return item;
        }
    }

    private static Func<object, object> Mapping(Rendering rendering, Arguments arguments)
    {
        if (arguments.Positional.Count == 0 && arguments.Find("attribute") is { } attribute)
        {
            var path = new ItemPath(rendering, attribute, arguments.Bind("map", "attribute", "default")[1]);
            return item => path.Of(rendering, item);
        }

        if (arguments.Positional.Count == 0) throw new ChatTemplateException("map requires a filter argument");
        var name = StringMethods.String(arguments.Positional[0]);
        var filter = Filters.Find(name) ?? throw new ChatTemplateException($"there is no filter named '{name}'");
        var rest = arguments.Skip(1);
        return item => filter(rendering, item, rest);
    }

    private static Func<object, bool> Condition(Rendering rendering, Arguments arguments, bool byAttribute)
    {
        if (byAttribute && arguments.Positional.Count == 0) throw new ChatTemplateException("a name of an attribute is missing");
        var path = new ItemPath(rendering, byAttribute ? arguments.Positional[0] : null);
        var rest = arguments.Skip(byAttribute ? 1 : 0);
        if (rest.Positional.Count == 0) return item => Truth.Of(path.Of(rendering, item));
        var name = StringMethods.String(rest.Positional[0]);
        var test = JinjaTests.Find(name) ?? throw new ChatTemplateException($"there is no test named '{name}'");
        var given = rest.Skip(1);
        return item => test(rendering, path.Of(rendering, item), given);
    }

    private static object Join(Rendering rendering, object value, object?[] arguments)
    {
        var separator = arguments[0] is null ? "" : ValueText.Of(rendering, arguments[0]!);
        var path = new ItemPath(rendering, arguments[1]);
        return StringMethods.Join(
            rendering,
            separator,
            new Generator(Iteration.Of(rendering, value).Select(item => (object)ValueText.Of(rendering, path.Of(rendering, item))), value));
    }

    private static object Sort(Rendering rendering, object value, object?[] arguments)
    {
        var isSensitive = arguments[1] is { } sensitive && Truth.Of(sensitive);
        ItemPath[] paths = arguments[2] is string text
            ? [.. text.Split(',').Select(attribute => new ItemPath(rendering, attribute))]
            : [new ItemPath(rendering, arguments[2])];
        return new ListValue(Ordering.Sort(
            rendering,
            Iteration.ToList(rendering, value),
            item => new ListValue(Array.ConvertAll(paths, path => ItemPath.Key(rendering, path.Of(rendering, item), isSensitive))),
            arguments[0] is { } reversed && Numbers.Integer(reversed) != 0));
    }

    private static IEnumerable<object> Unique(Rendering rendering, object value, object?[] arguments)
    {
        var path = new ItemPath(rendering, arguments[1]);
        var isSensitive = arguments[0] is { } sensitive && Truth.Of(sensitive);
        var seen = new DictValue();
        foreach (var item in Iteration.Of(rendering, value))
        {
            rendering.Step();
            var key = Equality.Key(rendering, ItemPath.Key(rendering, path.Of(rendering, item), isSensitive));
            if (seen.Contains(key)) continue;
            rendering.Make(64);
            seen.Set(key, None.Value);
            yield return item;
        }
    }

    private static object Extreme(Rendering rendering, object value, object?[] arguments, Func<Rendering, object, object, bool> isBetter)
    {
        var path = new ItemPath(rendering, arguments[1]);
        var isSensitive = arguments[0] is { } sensitive && Truth.Of(sensitive);
        (object Key, object Item)? best = null;
        foreach (var item in Iteration.Of(rendering, value))
        {
            rendering.Step();
            var key = ItemPath.Key(rendering, path.Of(rendering, item), isSensitive);
            if (best is not { } known || isBetter(rendering, key, known.Key)) best = (key, item);
        }

        return best?.Item ?? new Undefined(static () => "No aggregated item, sequence was empty.");
    }

    private static object Sum(Rendering rendering, object value, object?[] arguments)
    {
        var path = new ItemPath(rendering, arguments[0]);
        var sum = arguments[1] ?? 0L;
        if (sum is string) throw new ChatTemplateException("sum: cannot sum strings, use join");
        foreach (var item in Iteration.Of(rendering, value))
        {
            rendering.Step();
            sum = Arithmetic.Add(rendering, sum, path.Of(rendering, item));
        }

        return sum;
    }

    private static object GroupBy(Rendering rendering, object value, object?[] arguments)
    {
        var path = new ItemPath(rendering, arguments[0], arguments[1]);
        var isSensitive = arguments[2] is { } sensitive && Truth.Of(sensitive);
        var groups = new List<object>();
        var group = new List<object>();
        object? last = null;
        foreach (var item in Ordering.Sort(rendering, Iteration.ToList(rendering, value), KeyOf, isReversed: false))
        {
            var key = KeyOf(item);
            if (last is not null && !Equality.Of(rendering, key, last)) AddGroup();
            last = key;
            group.Add(item);
        }

        if (group.Count > 0) AddGroup();
        return new ListValue(groups);

        object KeyOf(object item) => ItemPath.Key(rendering, path.Of(rendering, item), isSensitive);

        void AddGroup()
        {
            rendering.MakeItems(group.Count + 4);
            groups.Add(new TupleValue(path.Of(rendering, group[0]), new ListValue(group)) { Names = ["grouper", "list"] });
            group = [];
        }
    }
}
