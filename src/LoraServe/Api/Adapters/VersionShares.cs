using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoraServe.Api.Adapters;

/// <summary>Which part of an adapter's requests each of its earlier versions answers; the rest is the current version's.</summary>
/// <param name="Values">The version, or its beginning, to a share from 0 to 1.</param>
[JsonConverter(typeof(VersionSharesConverter))]
public sealed record VersionShares(IReadOnlyDictionary<string, double> Values);

internal sealed class VersionSharesConverter : JsonConverter<VersionShares>
{
    private const string Expected = "an object of versions, or their beginnings, and shares from 0 to 1";

    public override VersionShares Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException(Expected);
        var shares = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var field in document.RootElement.EnumerateObject())
        {
            if (field.Value.ValueKind != JsonValueKind.Number || !field.Value.TryGetDouble(out var share) || share is not (>= 0 and <= 1))
                throw new JsonException(Expected);
            shares[field.Name] = share;
        }

        return new VersionShares(shares);
    }

    public override void Write(Utf8JsonWriter writer, VersionShares value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach (var (version, share) in value.Values) writer.WriteNumber(version, share);
        writer.WriteEndObject();
    }
}
