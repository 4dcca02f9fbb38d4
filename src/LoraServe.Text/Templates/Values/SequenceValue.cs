namespace LoraServe.Text.Templates.Values;

/// <summary>An indexed sequence: a list, a tuple or a range.</summary>
internal abstract class SequenceValue
{
    public abstract int Count { get; }

    public abstract object this[int index] { get; }

    /// <summary>A sequence of the same kind with other items.</summary>
    public abstract SequenceValue With(IReadOnlyList<object> items);
}

/// <summary>Python's list, immutable here.</summary>
internal sealed class ListValue(IReadOnlyList<object> items) : SequenceValue
{
    public override int Count => items.Count;

    public override object this[int index] => items[index];

    public override SequenceValue With(IReadOnlyList<object> items) => new ListValue(items);
}

/// <summary>Python's tuple.</summary>
internal sealed class TupleValue(params IReadOnlyList<object> items) : SequenceValue
{
    /// <summary>Names of the items of a named tuple, else empty.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    public override int Count => items.Count;

    public override object this[int index] => items[index];

    public override SequenceValue With(IReadOnlyList<object> items) => new TupleValue(items);
}

/// <summary>Python's range, within the length that the sandbox allows.</summary>
internal sealed class RangeValue(long start, long stop, long step, int count) : SequenceValue
{
    public long Start => start;

    public long Stop => stop;

    public long Step => step;

    public override int Count => count;

    public override object this[int index] => start + index * step;

    // In Python a slice of a range is a range; here it becomes a list and prints as one.
    public override SequenceValue With(IReadOnlyList<object> items) => new ListValue(items);
}

/// <summary>The bounds and step of a slice.</summary>
internal sealed record SliceValue(object Start, object Stop, object Step);
