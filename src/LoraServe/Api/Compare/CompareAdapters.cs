using System.Text.Json;
using System.Text.Json.Serialization;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Api.Compare;

/// <summary>The adapters of a comparison.</summary>
/// <param name="Items">One for each column, in order.</param>
[JsonConverter(typeof(CompareAdaptersConverter))]
public sealed record CompareAdapters(IReadOnlyList<AdapterReference> Items)
{
    /// <summary>Maximum adapters of a comparison.</summary>
    public const int MaxCount = 64;
}

internal sealed class CompareAdaptersConverter : JsonConverter<CompareAdapters>
{
    private static readonly string Expected =
        $"a list of 1 to {CompareAdapters.MaxCount} adapters: names, or objects with a name and a weight (a finite number, 1 if absent)";

    public override CompareAdapters Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var list = document.RootElement;
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() is 0 or > CompareAdapters.MaxCount) throw new JsonException(Expected);
        try
        {
            return new CompareAdapters([.. list.EnumerateArray().Select(Reference)]);
        }
        catch (InvalidAdapterReferenceException e)
        {
            throw new JsonException($"adapters that can be read: {e.Message}", e);
        }
    }

    public override void Write(Utf8JsonWriter writer, CompareAdapters value, JsonSerializerOptions options) =>
        throw new NotSupportedException("The adapters of a comparison are only read.");

    private static AdapterReference Reference(JsonElement item) => item.ValueKind switch
    {
        JsonValueKind.String => AdapterReference.Parse(item.GetString()!),
        JsonValueKind.Object => AdapterReference.From([Part(item)]),
        _ => throw new JsonException(Expected),
    };

    private static AdapterPart Part(JsonElement item)
    {
        var coefficient = 1.0;
        foreach (var field in item.EnumerateObject())
        {
            if (field.Name is not ("name" or "weight")) throw new JsonException(Expected);
            if (field.Name == "weight" && !(field.Value.ValueKind == JsonValueKind.Number && field.Value.TryGetDouble(out coefficient)))
                throw new JsonException(Expected);
        }

        return item.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String && double.IsFinite(coefficient)
            ? new AdapterPart(name.GetString()!, coefficient)
            : throw new JsonException(Expected);
    }
}
