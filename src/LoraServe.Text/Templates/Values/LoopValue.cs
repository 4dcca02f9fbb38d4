namespace LoraServe.Text.Templates.Values;

/// <summary>The variable loop of a for loop. It reads ahead in its source only when an attribute needs it.</summary>
/// <param name="source">The iterated value.</param>
/// <param name="items">Its items as the loop sees them.</param>
/// <param name="isFiltered">Whether there may be fewer items than in the source.</param>
/// <param name="depth0">The number of enclosing recursive loops.</param>
/// <param name="recurse">Renders the loop for other items, one level deeper; null if it is not recursive.</param>
internal sealed class LoopValue(
    object source, IEnumerable<object> items, bool isFiltered, int depth0, Func<object, int, string>? recurse) : CallableValue
{
    private IEnumerator<object> _items = items.GetEnumerator();
    private object? _after;
    private object? _before;
    private object? _current;
    private IReadOnlyList<object>? _changed;
    private long? _length;
    private long _index0 = -1;

    public object Current => _current!;

    public bool MoveNext()
    {
        if (Peek() is not { } next) return false;
        (_after, _before, _current) = (null, _current, next);
        _index0++;
        return true;
    }

    /// <summary>An attribute, or null if there is none of this name.</summary>
    public object? Attribute(Rendering rendering, string name) => name switch
    {
        "index" => _index0 + 1,
        "index0" => _index0,
        "revindex" => Length(rendering) - _index0,
        "revindex0" => Length(rendering) - _index0 - 1,
        "first" => Flag.Of(_index0 == 0),
        "last" => Flag.Of(Peek() is null),
        "length" => Length(rendering),
        "depth" => depth0 + 1L,
        "depth0" => (long)depth0,
        "previtem" => _index0 == 0 ? new Undefined(() => "there is no previous item") : _before,
        "nextitem" => Peek() ?? new Undefined(() => "there is no next item"),
        "cycle" => new Function("cycle", (_, arguments) => Cycle(arguments)),
        "changed" => new Function("changed", HasChanged),
        _ => null,
    };

    public override object Call(Rendering rendering, Arguments arguments)
    {
        if (recurse is null)
            throw new ChatTemplateException("the loop must have the 'recursive' marker to be called recursively");
        return recurse(arguments.Bind("loop", "*iterable")[0]!, depth0 + 1);
    }

    public long Length(Rendering rendering)
    {
        if (_length is { } known) return known;
        if (!isFiltered && Iteration.Count(source) is { } count) return (_length = count).Value;
        var rest = new List<object>();
        if (_after is not null) rest.Add(_after);
        while (_items.MoveNext())
        {
            rendering.Make(16);
            rest.Add(_items.Current);
        }

        (_items, _after) = (rest.GetEnumerator(), null);
        return (_length = rest.Count + _index0 + 1).Value;
    }

    private object? Peek()
    {
        if (_after is null && _items.MoveNext()) _after = _items.Current;
        return _after;
    }

    private object Cycle(Arguments arguments)
    {
        if (arguments.Positional.Count == 0) throw new ChatTemplateException("loop.cycle: no items for cycling given");
        return arguments.Positional[(int)(_index0 % arguments.Positional.Count)];
    }

    private object HasChanged(Rendering rendering, Arguments arguments)
    {
        var values = arguments.Positional;
        if (_changed is { } last && last.Count == values.Count && last.Zip(values).All(pair => Equality.Of(rendering, pair.First, pair.Second)))
            return Flag.False;
        _changed = values;
        return Flag.True;
    }
}
