namespace LoraServe.Text.Templates.Values;

/// <summary>Python's generator: its values are computed when they are asked for, and can be asked for once.</summary>
internal sealed class Generator
{
    private readonly IEnumerator<object> _values;
    private readonly int _depth = 1;

    /// <param name="values">What it gives.</param>
    /// <param name="source">Where the values are taken from when they are asked for, if that can be a generator itself.</param>
    /// <exception cref="ChatTemplateException">Too many generators take their values from one another.</exception>
    public Generator(IEnumerable<object> values, object? source = null)
    {
        _values = values.GetEnumerator();
        if (source is Generator inner) _depth = inner._depth + 1;
        if (_depth > RenderLimits.GeneratorDepth)
            throw new ChatTemplateException($"filters without a list between them may be nested {RenderLimits.GeneratorDepth} deep: use the filter list");
    }

    /// <summary>What is left.</summary>
    public IEnumerable<object> Rest(Rendering rendering)
    {
        while (true)
        {
            // An item can come from a generator in an item of another, at any depth.
            rendering.Step();
            if (!_values.MoveNext()) yield break;
            yield return _values.Current;
        }
    }
}
