using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>Filters on whole lists and dictionaries.</summary>
internal static class CollectionFilters
{
    public static void AddTo(Dictionary<string, Func<Rendering, object, Arguments, object>> filters)
    {
        filters.Add("length", [], Length);
        filters.Add("count", [], Length);
        filters.Add("list", [], (rendering, value, _) => new ListValue(Iteration.ToList(rendering, value)));
        filters.Add("items", [], (_, value, _) => Items(value));
        filters.Add("first", [], (rendering, value, _) =>
            Iteration.Of(rendering, value).FirstOrDefault() ?? new Undefined(static () => "No first item, sequence was empty."));
        filters.Add("last", [], Last);
        filters.Add("reverse", [], Reverse);
        filters.Add("default", ["default_value", "boolean"], Default);
        filters.Add("d", ["default_value", "boolean"], Default);
        filters.Add("dictsort", ["case_sensitive", "by", "reverse"], DictSort);
        filters.Add("slice", ["*slices", "fill_with"], Slice);
        filters.Add("batch", ["*linecount", "fill_with"], Batch);
        filters.Add("attr", ["*name"], (rendering, value, a) => value is Undefined undefined
            ? throw undefined.Exception()
            : Attributes.Find(rendering, value, StringMethods.String(a[0]!)) ?? Undefined.Member(value, a[0]!));
    }

    private static object Length(Rendering rendering, object value, object?[] arguments)
    {
        if (value is LoopValue loop) return loop.Length(rendering);
        if (value is string text) rendering.Read(text.Length);
        return Iteration.Count(value) is { } count
            ? (long)count
            : throw new ChatTemplateException($"object of type '{TypeName.Of(value)}' has no len()");
    }

    private static Generator Items(object value) => value switch
    {
        Undefined => new Generator([]),
        DictValue dict => new Generator(new DictView(dict, DictView.Part.Items).Values),
        _ => throw new ChatTemplateException("items: can only get item pairs from a mapping"),
    };

    private static object Last(Rendering rendering, object value, object?[] arguments)
    {
        if (value is string text) return (object?)Slicing.Character(rendering, text, -1) ?? Nothing();
        if (value is SequenceValue sequence) return sequence.Count > 0 ? sequence[sequence.Count - 1] : Nothing();
        if (value is not (DictValue or DictView or Undefined))
            throw new ChatTemplateException($"'{TypeName.Of(value)}' object is not reversible");
        var items = Iteration.ToList(rendering, value);
        return items.Count > 0 ? items[^1] : Nothing();

        static Undefined Nothing() => new(static () => "No last item, sequence was empty.");
    }

    private static object Reverse(Rendering rendering, object value, object?[] arguments)
    {
        if (value is string text) return Slicing.Of(rendering, text, new SliceValue(None.Value, None.Value, -1L));
        var items = Iteration.ToList(rendering, value);
        items.Reverse();
        return value is Generator or Undefined ? new ListValue(items) : new Generator(items);
    }

    private static object Default(Rendering rendering, object value, object?[] arguments) =>
        value is Undefined || arguments[1] is { } boolean && Truth.Of(boolean) && !Truth.Of(value) ? arguments[0] ?? "" : value;

    private static object DictSort(Rendering rendering, object value, object?[] arguments)
    {
        if (value is Undefined undefined) throw undefined.Exception();
        if (value is not DictValue dict) throw new ChatTemplateException($"dictsort: expected a mapping, found '{TypeName.Of(value)}'");
        var isSensitive = arguments[0] is { } sensitive && Truth.Of(sensitive);
        var position = (arguments[1] ?? "key") switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw new ChatTemplateException("dictsort: can only sort by either 'key' or 'value'"),
        };
        var isReversed = arguments[2] is { } reversed && Numbers.Integer(reversed) != 0;
        rendering.MakeItems(4L * dict.Count);
        return new ListValue(Ordering.Sort(
            rendering,
            new DictView(dict, DictView.Part.Items).Values,
            item => ItemPath.Key(rendering, ((TupleValue)item)[position], isSensitive),
            isReversed));
    }

    private static object Slice(Rendering rendering, object value, object?[] arguments)
    {
        var items = Iteration.ToList(rendering, value);
        var count = Numbers.Integer(arguments[0]!);
        if (count == 0) throw new ChatTemplateException("slice: division by zero");
        if (count < 0) return new Generator([]);
        rendering.MakeItems(count + items.Count);
        var (size, longer) = (items.Count / count, items.Count % count);
        var slices = new List<object>();
        for (long i = 0, start = 0; i < count; i++)
        {
            var length = size + (i < longer ? 1 : 0);
            List<object> slice = [.. items.Skip((int)start).Take((int)length)];
            if (arguments[1] is { } fill and not None && i >= longer) slice.Add(fill);
            rendering.Step();
            rendering.Make(48);
            slices.Add(new ListValue(slice));
            start += length;
        }

        return new Generator(slices);
    }

    private static object Batch(Rendering rendering, object value, object?[] arguments)
    {
        var items = Iteration.ToList(rendering, value);
        var size = Numbers.Integer(arguments[0]!);
        var batches = new List<object>();
        for (long start = 0; start < items.Count; start += Math.Max(size, 1))
        {
            List<object> batch = [.. items.Skip((int)start).Take((int)Math.Min(size <= 0 ? 1 : size, items.Count))];
            rendering.Step();
            rendering.MakeItems(batch.Count);
            if (arguments[1] is { } fill and not None && batch.Count < size)
            {
                rendering.MakeItems(size);
                while (batch.Count < size) batch.Add(fill);
            }

            batches.Add(new ListValue(batch));
        }

        return new Generator(batches);
    }
}
