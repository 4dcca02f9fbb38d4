namespace LoraServe.Text.Templates.Values;

/// <summary>Python's generator: computes its values lazily, and yields them once.</summary>
internal sealed class Generator
{
    private readonly IEnumerator<object> _values;
    private readonly int _depth = 1;

    /// <param name="values">Its values.</param>
    /// <param name="source">The value that it draws from lazily, which may itself be a generator; null if none.</param>
    /// <exception cref="ChatTemplateException">Too many chained generators.</exception>
    public Generator(IEnumerable<object> values, object? source = null)
    {
        _values = values.GetEnumerator();
        if (source is Generator inner) _depth = inner._depth + 1;
        if (_depth > RenderLimits.GeneratorDepth)
            throw new ChatTemplateException($"filters without a list between them may be nested {RenderLimits.GeneratorDepth} deep: use the filter list");
    }

    /// <summary>The remaining values.</summary>
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
