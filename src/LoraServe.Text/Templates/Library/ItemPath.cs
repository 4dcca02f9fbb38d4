using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>The attribute argument of filters such as map and sort: 'a', 'a.b', 'a.0', or a number.</summary>
internal sealed class ItemPath
{
    private readonly IReadOnlyList<object> _parts;
    private readonly object? _byDefault;

    /// <param name="rendering">Counts the work.</param>
    /// <param name="attribute">The attribute; null or None for the item itself.</param>
    /// <param name="byDefault">The value used where the attribute is undefined.</param>
    public ItemPath(Rendering rendering, object? attribute, object? byDefault = null)
    {
        _byDefault = byDefault is None ? null : byDefault;
        switch (attribute)
        {
            case null or None:
                _parts = [];
                break;
            case string text:
                rendering.MakeItems(text.Length);
                _parts = [.. text.Split('.').Select(static part => IsIndex(part) ? long.Parse(part) : (object)part)];
                break;
            default:
                _parts = [attribute];
                break;
        }
    }

    /// <summary>The value of the attribute in an item.</summary>
    public object Of(Rendering rendering, object item)
    {
        foreach (var part in _parts)
        {
            rendering.Step();
            item = Attributes.GetItem(rendering, item, part);
            if (_byDefault is not null && item is Undefined) item = _byDefault;
        }

        return item;
    }

    private static bool IsIndex(string part) => part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit);

    /// <summary>The key by which a value is compared.</summary>
    public static object Key(Rendering rendering, object value, bool isSensitive) =>
        !isSensitive && value is string text ? Casing.Lower(rendering, text) : value;
}
