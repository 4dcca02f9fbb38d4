using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoraServe.Api.FineTuning;

/// <summary>Names of modules, or of one preset: a text or a list of texts.</summary>
/// <param name="Names">At least one.</param>
[JsonConverter(typeof(TargetModuleNamesConverter))]
public sealed record TargetModuleNames(IReadOnlyList<string> Names);

internal sealed class TargetModuleNamesConverter : JsonConverter<TargetModuleNames>
{
    private const int MaxCount = 64;
    private const int MaxLength = 128;
    private const string Expected = "names of linear modules such as q_proj, attention or all-linear: a text, or a list of 1 to 64 texts";

    public override TargetModuleNames Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        IReadOnlyList<JsonElement> items = root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray()] : [root];
        if (items.Count is 0 or > MaxCount || items.Any(item => item.ValueKind != JsonValueKind.String)) throw new JsonException(Expected);
        var names = items.Select(item => item.GetString()!).ToList();
        return names.All(name => name.Length is > 0 and <= MaxLength) ? new TargetModuleNames(names) : throw new JsonException(Expected);
    }

    public override void Write(Utf8JsonWriter writer, TargetModuleNames value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var name in value.Names) writer.WriteStringValue(name);
        writer.WriteEndArray();
    }
}
