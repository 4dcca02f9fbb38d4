using System.Text.Json;
using System.Text.Json.Serialization;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Api.Adapters;

/// <summary>A weighted sum of adapters.</summary>
/// <param name="Items">Names, or names with the beginning of a version, and their coefficients.</param>
[JsonConverter(typeof(AdapterPartsConverter))]
public sealed record AdapterParts(IReadOnlyList<AdapterPart> Items);

internal sealed class AdapterPartsConverter : JsonConverter<AdapterParts>
{
    private const double DefaultCoefficient = 1;
    private static readonly string Expected =
        $"a list of 1 to {AdapterReference.MaxParts} objects with a name and a weight (a finite number, 1 if absent)";

    public override AdapterParts Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var list = document.RootElement;
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() is 0 or > AdapterReference.MaxParts)
            throw new JsonException(Expected);
        return new AdapterParts([.. list.EnumerateArray().Select(Part)]);
    }

    public override void Write(Utf8JsonWriter writer, AdapterParts value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var part in value.Items)
        {
            writer.WriteStartObject();
            writer.WriteString("name", part.Name);
            writer.WriteNumber("weight", part.Coefficient);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static AdapterPart Part(JsonElement item)
    {
        string? name = null;
        var coefficient = DefaultCoefficient;
        if (item.ValueKind != JsonValueKind.Object) throw new JsonException(Expected);
        foreach (var field in item.EnumerateObject())
        {
            switch (field.Name)
            {
                case "name" when field.Value.ValueKind == JsonValueKind.String:
                    name = field.Value.GetString();
                    break;
                case "weight" when field.Value.ValueKind == JsonValueKind.Number && field.Value.TryGetDouble(out coefficient):
                    break;
                default:
                    throw new JsonException(Expected);
            }
        }

        return string.IsNullOrEmpty(name) || !double.IsFinite(coefficient) ? throw new JsonException(Expected) : new AdapterPart(name, coefficient);
    }
}
