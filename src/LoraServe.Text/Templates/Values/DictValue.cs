namespace LoraServe.Text.Templates.Values;

/// <summary>Python's dict, in insertion order. Filled by its creator, then immutable.</summary>
internal sealed class DictValue
{
    private readonly OrderedDictionary<object, object> _items = new(KeyComparer.Instance);

    public int Count => _items.Count;

    public IEnumerable<object> Keys => _items.Keys;

    public IEnumerable<KeyValuePair<object, object>> Items => _items;

    public object? Find(object key) => _items.GetValueOrDefault(key);

    public bool Contains(object key) => _items.ContainsKey(key);

    public void Set(object key, object value) => _items[key] = value;

    /// <summary>Equal keys of different types are one key in Python: 1, 1.0 and True.</summary>
    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        bool IEqualityComparer<object>.Equals(object? x, object? y) =>
            ReferenceEquals(x, y) || (x is string one ? y is string other && one == other : Equality.OfKeys(x!, y!));

        int IEqualityComparer<object>.GetHashCode(object key) =>
            key is string text ? StringComparer.Ordinal.GetHashCode(text) : Equality.Hash(key);
    }
}

/// <summary>A dict view, as returned by keys(), values() and items().</summary>
internal sealed class DictView(DictValue dict, DictView.Part part)
{
    /// <summary>The part of the dict that a view shows.</summary>
    internal enum Part
    {
        Keys,
        Values,
        Items,
    }

    public DictValue Dict => dict;

    public Part Shows => part;

    public string TypeName => part switch { Part.Keys => "dict_keys", Part.Values => "dict_values", _ => "dict_items" };

    public IEnumerable<object> Values => part switch
    {
        Part.Keys => dict.Keys,
        Part.Values => dict.Items.Select(item => item.Value),
        _ => dict.Items.Select(item => (object)new TupleValue(item.Key, item.Value)),
    };
}
