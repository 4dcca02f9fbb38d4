namespace LoraServe.Text.Templates.Values;

/// <summary>Iterates over the items of a value.</summary>
internal static class Iteration
{
    /// <summary>The items, lazily; the caller counts a step for each.</summary>
    public static IEnumerable<object> Of(Rendering rendering, object value) => value switch
    {
        SequenceValue sequence => Items(sequence),
        DictValue dict => dict.Keys,
        string text => CharactersOf(text),
        DictView view => view.Values,
        Generator generator => generator.Rest(rendering),
        Undefined => [],
        _ => throw new ChatTemplateException($"'{TypeName.Of(value)}' object is not iterable"),
    };

    /// <summary>All items.</summary>
    public static List<object> ToList(Rendering rendering, object value)
    {
        if (Count(value) is { } count) rendering.MakeItems(count);
        var items = new List<object>();
        foreach (var item in Of(rendering, value))
        {
            if (value is Generator) rendering.Make(16);
            rendering.Step();
            items.Add(item);
        }

        return items;
    }

    /// <summary>The number of items, or null if unknown.</summary>
    public static int? Count(object value) => value switch
    {
        SequenceValue sequence => sequence.Count,
        DictValue dict => dict.Count,
        DictView view => view.Dict.Count,
        string text => Codepoints.Count(text),
        Undefined => 0,
        _ => null,
    };

    private static IEnumerable<object> Items(SequenceValue sequence)
    {
        for (var i = 0; i < sequence.Count; i++) yield return sequence[i];
    }

    private static IEnumerable<object> CharactersOf(string text)
    {
        for (var i = 0; i < text.Length;)
        {
            var length = Codepoints.LengthAt(text, i);
            yield return text.Substring(i, length);
            i += length;
        }
    }
}
