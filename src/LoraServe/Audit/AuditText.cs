using System.Text.Json.Nodes;
using LoraServe.Api;
using LoraServe.Text.Faults;

namespace LoraServe.Audit;

/// <summary>The texts of an audit record, cut so that a million can be kept whatever requests contain.</summary>
internal static class AuditText
{
    /// <summary>Most characters of a name.</summary>
    public const int MostOfName = 256;

    /// <summary>Most characters of all details together.</summary>
    public const int MostOfDetails = 4096;

    private const int MostItems = 64;

    /// <summary>A name, cut to what is kept.</summary>
    public static string Of(string name) => FaultText.Cut(name, MostOfName);

    /// <summary>Details as JSON: long texts and lists are cut, and too many fields leave their names alone; null for none.</summary>
    public static string? Of(JsonObject? details)
    {
        if (details is null) return null;
        var text = Shorten(details)!.ToJsonString(ApiJson.Options);
        return text.Length <= MostOfDetails ? text : Names(details).ToJsonString(ApiJson.Options);
    }

    private static JsonNode? Shorten(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject fields:
                var shortened = new JsonObject();
                foreach (var (name, value) in fields.Take(MostItems)) shortened[Of(name)] = Shorten(value);
                return shortened;
            case JsonArray items:
                return new JsonArray([.. items.Take(MostItems).Select(Shorten)]);
            case JsonValue value when value.TryGetValue(out string? text):
                return Of(text);
            default:
                return node?.DeepClone();
        }
    }

    private static JsonObject Names(JsonObject details) => new()
    {
        ["fields"] = new JsonArray([.. details.Select(field => (JsonNode)FaultText.Shorten(field.Key)).Take(MostItems / 2)]),
    };
}
