namespace LoraServe.Engine.Tokenization.Templates.Values;

/// <summary>Python's generator: its values are computed when they are asked for, and can be asked for once.</summary>
internal sealed class Generator(IEnumerable<object> values)
{
    private readonly IEnumerator<object> _values = values.GetEnumerator();

    /// <summary>What is left.</summary>
    public IEnumerable<object> Rest()
    {
        while (_values.MoveNext()) yield return _values.Current;
    }
}
