using System.Text.Json;

namespace LoraServe.Engine.Lora;

/// <summary>
/// Reads an adapter_config.json as PEFT 0.21 and older write it. A wrong JSON type makes it malformed; a value out of range, and an
/// option that changes the forward pass in a way that is not supported, incompatible. An unknown option is ignored while it is off.
/// </summary>
internal sealed class PeftConfigReader
{
    private const int MaxDepth = 32;

    // Characters of all regular expressions together that are more than plain paths.
    private const int MaxComplexity = 4000;

    private readonly JsonElement _json;
    private readonly PeftFaults _faults;
    private int _complexity;

    private PeftConfigReader(JsonElement json, PeftFaults faults) => (_json, _faults) = (json, faults);

    /// <summary>The configuration; where faults were found, its values are of no use.</summary>
    /// <param name="bytes">The file, with or without a byte-order mark.</param>
    /// <param name="faults">Everything that is wrong is added.</param>
    public static PeftConfig? Read(ReadOnlyMemory<byte> bytes, PeftFaults faults)
    {
        if (bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false };
            using var document = JsonDocument.Parse(bytes, options);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return new PeftConfigReader(document.RootElement, faults).Read();
            faults.Malformed($"{PeftConfig.FileName}: expected a JSON object, found {document.RootElement.ValueKind}");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: text with half a surrogate pair.
            faults.Malformed($"{PeftConfig.FileName}: not JSON: {e.Message}");
        }

        return null;
    }

    private PeftConfig Read()
    {
        CheckKind();
        CheckOptions();
        if (Flag("fan_in_fan_out"))
            _faults.Warn("fan_in_fan_out: the base has linear modules, not transposed ones; ignored, as PEFT does");
        return new PeftConfig
        {
            Rank = Field("r") is { } r ? Rank("r", r) : 8,
            Alpha = Field("lora_alpha") is { } alpha ? Number("lora_alpha", alpha) : 8,
            UsesRsLora = Flag("use_rslora"),
            RankPattern = Patterns("rank_pattern", Rank),
            AlphaPattern = Patterns("alpha_pattern", Number),
            Targets = Targets(),
            BaseModelName = Text("base_model_name_or_path"),
        };
    }

    private void CheckKind()
    {
        if (Text("peft_type") is var type && !string.Equals(type, "LORA", StringComparison.OrdinalIgnoreCase))
            Incompatible("peft_type", $"expected LORA, found {type ?? "nothing"}");
        if (Text("task_type") is { } task && task != "CAUSAL_LM")
            Incompatible("task_type", $"expected CAUSAL_LM, found {Shorten(task)}");
        if (Text("bias") is { } bias && bias != "none")
            Incompatible("bias", $"trained biases are not supported, expected none, found {Shorten(bias)}");
        if (Field("init_lora_weights") is { } init) CheckInit(init);
    }

    private void CheckInit(JsonElement init)
    {
        if (init.ValueKind is JsonValueKind.True or JsonValueKind.False) return;
        if (init.ValueKind != JsonValueKind.String)
            Malformed("init_lora_weights", "true, false or text", init);
        else if (!PeftOptions.HarmlessInits.Contains(init.GetString()!.ToLowerInvariant()))
        {
            Incompatible(
                "init_lora_weights",
                $"'{Shorten(init.GetString()!)}' trains on altered base weights, so that the adapter is wrong on the plain base; "
                + "convert it to plain LoRA with PEFT first");
        }
    }

    private void CheckOptions()
    {
        foreach (var option in _json.EnumerateObject().Where(option => !PeftOptions.Known.Contains(option.Name) && IsOn(option.Value)))
        {
            Incompatible(Shorten(option.Name), PeftOptions.Unsupported.TryGetValue(option.Name, out var meaning)
                ? $"{meaning} is not supported"
                : "an unknown option that may change the forward pass");
        }
    }

    /// <summary>Python's truth of a JSON value.</summary>
    private static bool IsOn(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.Number => !value.TryGetDouble(out var number) || number != 0,
        JsonValueKind.String => value.GetString()!.Length > 0,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.GetPropertyCount() > 0,
        _ => false,
    };

    private TargetModules Targets()
    {
        var target = Field("target_modules");
        var excluded = Field("exclude_modules");
        var layers = Layers();
        var patterns = LayersPatterns();
        var isText = target?.ValueKind == JsonValueKind.String;
        if (isText && layers is not null)
            Incompatible("layers_to_transform", "cannot be used when target_modules is text");
        var allLinear = isText && string.Equals(target!.Value.GetString(), "all-linear", StringComparison.OrdinalIgnoreCase);
        return new TargetModules
        {
            Names = target is { } names && !isText ? Names("target_modules", names) : null,
            Pattern = isText && !allLinear ? Pattern("target_modules", target!.Value.GetString()!, PeftPattern.FullMatch) : null,
            AllLinear = allLinear,
            ExcludedNames = excluded is { ValueKind: not JsonValueKind.String } list
                ? Names("exclude_modules", list)
                : new HashSet<string>(),
            ExcludedPattern = excluded is { ValueKind: JsonValueKind.String } text && text.GetString() is { Length: > 0 } pattern
                ? Pattern("exclude_modules", pattern, PeftPattern.FullMatch)
                : null,
            Layers = layers,
            LayersPatterns = patterns,
        };
    }

    private HashSet<int>? Layers()
    {
        if (Field("layers_to_transform") is not { } value) return null;
        var items = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToList() : [value];
        if (!items.TrueForAll(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out _)))
        {
            Malformed("layers_to_transform", "a layer number or a list of them", value);
            return null;
        }

        return items.Count == 0 ? null : [.. items.Select(item => item.GetInt32())];
    }

    private List<PeftPattern> LayersPatterns()
    {
        List<string> names = Field("layers_pattern") switch
        {
            null => [],
            { ValueKind: JsonValueKind.String } text => [text.GetString()!],
            { } list => [.. Names("layers_pattern", list)],
        };
        names.RemoveAll(string.IsNullOrEmpty);
        if (names.Count == 0) names.Add("[^.]*");
        return [.. names.Select(name => Pattern("layers_pattern", name, PeftPattern.Layer)).OfType<PeftPattern>()];
    }

    private HashSet<string> Names(string field, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
            return value.EnumerateArray().Select(item => item.GetString()!).ToHashSet(StringComparer.Ordinal);
        Malformed(field, "text or a list of texts", value);
        return [];
    }

    private List<(PeftPattern, T)> Patterns<T>(string field, Func<string, JsonElement, T> read)
    {
        var patterns = new List<(PeftPattern, T)>();
        if (Field(field) is not { } value) return patterns;
        if (value.ValueKind != JsonValueKind.Object)
        {
            Malformed(field, "an object", value);
            return patterns;
        }

        foreach (var property in value.EnumerateObject())
        {
            if (Pattern(field, property.Name, PeftPattern.Suffix) is { } pattern)
                patterns.Add((pattern, read($"{field}: '{Shorten(property.Name)}'", property.Value)));
        }

        return patterns;
    }

    private PeftPattern? Pattern(string field, string text, Func<string, PeftPattern> create)
    {
        try
        {
            var pattern = _complexity <= MaxComplexity ? create(text) : null;
            _complexity += pattern?.Complexity ?? 0;
            if (_complexity <= MaxComplexity) return pattern;
            Incompatible(field, $"regular expressions of more than {MaxComplexity} characters together");
        }
        catch (ArgumentException e)
        {
            Incompatible(field, $"'{Shorten(text)}': {e.Message}");
        }

        return null;
    }

    private int Rank(string field, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number) Malformed(field, "a whole number", value);
        else if (value.TryGetInt32(out var rank) && rank > 0) return rank;
        else Incompatible(field, $"expected a positive whole number, found {Shorten(value.GetRawText())}");
        return 1;
    }

    private double Number(string field, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number) Malformed(field, "a number", value);
        else if (value.TryGetDouble(out var number) && double.IsFinite(number)) return number;
        else Incompatible(field, $"expected a finite number, found {Shorten(value.GetRawText())}");
        return 1;
    }

    private bool Flag(string field)
    {
        var value = Field(field);
        if (value is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) } other) Malformed(field, "true or false", other);
        return value?.ValueKind == JsonValueKind.True;
    }

    private string? Text(string field)
    {
        if (Field(field) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        Malformed(field, "text", value);
        return null;
    }

    /// <summary>A field's value; null counts as absent.</summary>
    private JsonElement? Field(string name) =>
        _json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private void Malformed(string field, string expected, JsonElement found) =>
        _faults.Malformed($"{PeftConfig.FileName}: {field}: expected {expected}, found {Shorten(found.GetRawText())}");

    private void Incompatible(string field, string fault) => _faults.Incompatible($"{PeftConfig.FileName}: {field}: {fault}");

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "...";
}
