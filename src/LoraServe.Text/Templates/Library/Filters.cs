using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>The filters of templates, by name.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Func<Rendering, object, Arguments, object>> All = new(StringComparer.Ordinal);

    static Filters()
    {
        TextFilters.AddTo(All);
        NumberFilters.AddTo(All);
        CollectionFilters.AddTo(All);
        ItemFilters.AddTo(All);
        All["tojson"] = JsonText.Of;
        foreach (var name in (string[])["random", "urlize", "pprint", "xmlattr", "striptags", "filesizeformat", "wordwrap"])
            All[name] = (_, _, _) => throw new ChatTemplateException($"the filter '{name}' is not supported");
    }

    /// <summary>The filter, or null.</summary>
    public static Func<Rendering, object, Arguments, object>? Find(string name) => All.GetValueOrDefault(name);

    /// <summary>A filter with these parameters after the value.</summary>
    public static void Add(
        this Dictionary<string, Func<Rendering, object, Arguments, object>> filters,
        string name,
        string[] parameters,
        Func<Rendering, object, object?[], object> body) =>
        filters[name] = (rendering, value, arguments) => body(rendering, value, arguments.Bind(name, parameters));
}
