using System.Text.Json;

namespace LoraServe.Engine.Peft;

/// <summary>Reads which modules a configuration adapts: target_modules, exclude_modules, layers_to_transform and layers_pattern.</summary>
internal sealed class TargetModulesReader(PeftFields fields, PeftPatternReader patterns)
{
    private static readonly HashSet<string> None = [];

    /// <summary>Reads the targets; undefined if there are faults.</summary>
    /// <param name="saved">Modules that are not targets because they are saved whole.</param>
    public TargetModules Read(SavedModules saved)
    {
        var target = fields.Find("target_modules");
        var excluded = fields.Find("exclude_modules");
        var layers = Layers();
        var isText = target?.ValueKind == JsonValueKind.String;
        if (isText && layers is not null)
            fields.Incompatible("layers_to_transform", "cannot be used when target_modules is text");
        var allLinear = isText && string.Equals(target!.Value.GetString(), "all-linear", StringComparison.OrdinalIgnoreCase);
        return new TargetModules
        {
            Names = target is { } names && !isText ? Names("target_modules", names) : null,
            Pattern = isText && !allLinear ? patterns.Read("target_modules", target!.Value.GetString()!, PeftPattern.FullMatch) : null,
            AllLinear = allLinear,
            ExcludedNames = excluded is { ValueKind: not JsonValueKind.String } list ? Names("exclude_modules", list) : None,
            ExcludedPattern = excluded is { ValueKind: JsonValueKind.String } text && text.GetString() is { Length: > 0 } pattern
                ? patterns.Read("exclude_modules", pattern, PeftPattern.FullMatch)
                : null,
            Saved = saved,
            Layers = layers,
            LayersPatterns = LayersPatterns(),
        };
    }

    private HashSet<int>? Layers()
    {
        if (fields.Find("layers_to_transform") is not { } value) return null;
        var items = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToList() : [value];
        if (!items.TrueForAll(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out _)))
        {
            fields.Malformed("layers_to_transform", "a layer number or a list of them", value);
            return null;
        }

        return items.Count == 0 ? null : [.. items.Select(item => item.GetInt32())];
    }

    private List<PeftPattern> LayersPatterns()
    {
        List<string> names = fields.Find("layers_pattern") switch
        {
            null => [],
            { ValueKind: JsonValueKind.String } text => [text.GetString()!],
            { } list => [.. fields.Texts("layers_pattern", list)],
        };
        names.RemoveAll(string.IsNullOrEmpty);
        if (names.Count == 0) names.Add("[^.]*");
        return [.. names.Select(name => patterns.Read("layers_pattern", name, PeftPattern.Layer)).OfType<PeftPattern>()];
    }

    private HashSet<string> Names(string field, JsonElement value) => fields.Texts(field, value).ToHashSet(StringComparer.Ordinal);
}
