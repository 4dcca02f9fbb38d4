using LoraServe.Engine.Tokenization.Templates.Values;

namespace LoraServe.Engine.Tokenization.Templates.Library;

/// <summary>Filters that look at every item.</summary>
internal static class ItemFilters
{
    public static void AddTo(Dictionary<string, Func<Rendering, object, Arguments, object>> filters)
    {
        filters["map"] = Map;
        filters["select"] = (rendering, value, arguments) => Choose(rendering, value, arguments, byAttribute: false, keep: true);
        filters["reject"] = (rendering, value, arguments) => Choose(rendering, value, arguments, byAttribute: false, keep: false);
        filters["selectattr"] = (rendering, value, arguments) => Choose(rendering, value, arguments, byAttribute: true, keep: true);
        filters["rejectattr"] = (rendering, value, arguments) => Choose(rendering, value, arguments, byAttribute: true, keep: false);
        filters.Add("join", ["d", "attribute"], Join);
        filters.Add("sort", ["reverse", "case_sensitive", "attribute"], Sort);
        filters.Add("unique", ["case_sensitive", "attribute"], (rendering, value, a) => new Generator(Unique(rendering, value, a)));
        filters.Add("min", ["case_sensitive", "attribute"], (rendering, value, a) => Extreme(rendering, value, a, Ordering.IsLess));
        filters.Add("max", ["case_sensitive", "attribute"], (rendering, value, a) => Extreme(rendering, value, a, Ordering.IsGreater));
        filters.Add("sum", ["attribute", "start"], Sum);
        filters.Add("groupby", ["*attribute", "default", "case_sensitive"], GroupBy);
    }

    private static Generator Map(Rendering rendering, object value, Arguments arguments)
    {
        Func<object, object> map;
        if (arguments.Positional.Count == 0 && arguments.Find("attribute") is { } attribute)
        {
            var path = new ItemPath(rendering, attribute, arguments.Bind("map", "attribute", "default")[1]);
            map = item => path.Of(rendering, item);
        }
        else
        {
            if (arguments.Positional.Count == 0) throw new ChatTemplateException("map requires a filter argument");
            var name = StringMethods.String(arguments.Positional[0]);
            var filter = Filters.Find(name) ?? throw new ChatTemplateException($"there is no filter named '{name}'");
            var rest = arguments.Skip(1);
            map = item => filter(rendering, item, rest);
        }

        return new Generator(Each(rendering, value).Select(map));
    }

    private static Generator Choose(Rendering rendering, object value, Arguments arguments, bool byAttribute, bool keep)
    {
        if (byAttribute && arguments.Positional.Count == 0) throw new ChatTemplateException("a name of an attribute is missing");
        var path = new ItemPath(rendering, byAttribute ? arguments.Positional[0] : null);
        var rest = arguments.Skip(byAttribute ? 1 : 0);
        Func<object, bool> holds = Truth.Of;
        if (rest.Positional.Count > 0)
        {
            var name = StringMethods.String(rest.Positional[0]);
            var test = Tests.Find(name) ?? throw new ChatTemplateException($"there is no test named '{name}'");
            var given = rest.Skip(1);
            holds = item => test(rendering, item, given);
        }

        return new Generator(Each(rendering, value).Where(item => holds(path.Of(rendering, item)) == keep));
    }

    // Jinja asks first whether the value is true, so that nothing at all comes of None.
    private static IEnumerable<object> Each(Rendering rendering, object value)
    {
        if (!Truth.Of(value)) yield break;
        foreach (var item in Iteration.Of(rendering, value))
        {
            rendering.Step();
            yield return item;
        }
    }

    private static object Join(Rendering rendering, object value, object?[] arguments)
    {
        var separator = arguments[0] is null ? "" : Text.Of(rendering, arguments[0]!);
        var path = new ItemPath(rendering, arguments[1]);
        return StringMethods.Join(
            rendering, separator, new Generator(Iteration.Of(rendering, value).Select(item => (object)Text.Of(rendering, path.Of(rendering, item)))));
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
            arguments[0] is { } reversed && Truth.Of(reversed)));
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
