using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>The methods of lists, tuples and ranges.</summary>
internal static class SequenceMethods
{
    public static object? Find(SequenceValue sequence, string name) => (sequence, name) switch
    {
        (_, "count") => new Function(name, (rendering, arguments) =>
        {
            var wanted = arguments.Bind(name, "*value")[0]!;
            return (long)Iteration.Of(rendering, sequence).Count(item => Matches(rendering, item, wanted));
        }),
        (_, "index") => new Function(name, (rendering, arguments) => IndexOf(rendering, sequence, arguments)),
        (ListValue, "copy") => new Function(name, (_, arguments) =>
        {
            arguments.Bind(name);
            return sequence;
        }),
        (ListValue, "append" or "clear" or "extend" or "insert" or "pop" or "remove" or "reverse" or "sort") => Undefined.Unsafe(sequence, name),
        (RangeValue range, "start") => range.Start,
        (RangeValue range, "stop") => range.Stop,
        (RangeValue range, "step") => range.Step,
        (TupleValue tuple, _) when tuple.Names.IndexOf(name) is >= 0 and var index => tuple[index],
        _ => null,
    };

    private static long IndexOf(Rendering rendering, SequenceValue sequence, Arguments arguments)
    {
        var bound = arguments.Bind("index", "*value", "start", "stop");
        var (start, stop) = (Bound(bound[1], 0), Bound(bound[2], sequence.Count));
        for (var i = start; i < Math.Min(stop, sequence.Count); i++)
            if (Matches(rendering, sequence[(int)i], bound[0]!)) return i;
        throw new ChatTemplateException($"the value is not in the {TypeName.Of(sequence)}");

        long Bound(object? value, long byDefault)
        {
            var index = value is null ? byDefault : Numbers.Integer(value);
            return index < 0 ? Math.Max(index + sequence.Count, 0) : index;
        }
    }

    private static bool Matches(Rendering rendering, object item, object wanted)
    {
        rendering.Step();
        return ReferenceEquals(item, wanted) || Equality.Of(rendering, item, wanted);
    }

    private static int IndexOf(this IReadOnlyList<string> names, string name)
    {
        for (var i = 0; i < names.Count; i++)
            if (names[i] == name) return i;
        return -1;
    }
}
