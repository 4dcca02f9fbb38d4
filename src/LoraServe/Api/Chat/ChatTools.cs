using System.Text.Json;
using System.Text.Json.Serialization;
using LoraServe.Api.Requests;
using LoraServe.Text.Faults;

namespace LoraServe.Api.Chat;

/// <summary>The functions of a request as they were sent.</summary>
/// <param name="Json">A list.</param>
[JsonConverter(typeof(ChatToolsConverter))]
public sealed record ChatTools(JsonElement Json)
{
    /// <summary>Their names, if present.</summary>
    internal IReadOnlySet<string> Names { get; } = Json.EnumerateArray().Select(Name).OfType<string>().ToHashSet(StringComparer.Ordinal);

    /// <summary>Checks each function and collects a fault for every invalid field.</summary>
    internal void Check(RequestFaults faults)
    {
        var i = 0;
        foreach (var tool in Json.EnumerateArray()) Check(tool, $"tools[{i++}]", faults);
    }

    private static void Check(JsonElement tool, string at, RequestFaults faults)
    {
        if (Name(tool) is null)
        {
            Expected(at, """an object like {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}""", tool);
            return;
        }

        var function = tool.GetProperty("function");
        if (tool.TryGetProperty("type", out var type) && !(type.ValueKind == JsonValueKind.String && type.ValueEquals("function")))
            Expected($"{at}.type", "function", type);
        if (function.TryGetProperty("description", out var description)
            && description.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
        {
            Expected($"{at}.function.description", "a text", description);
        }

        if (function.TryGetProperty("parameters", out var parameters)
            && parameters.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null))
        {
            Expected($"{at}.function.parameters", "a JSON schema", parameters);
        }

        if (function.TryGetProperty("strict", out var strict) && strict.ValueKind is not (JsonValueKind.False or JsonValueKind.Null))
        {
            const string Message = "is not supported: this server cannot force a model to keep to a schema";
            faults.Add(new RequestFault($"{at}.function.strict", Message, "unsupported_parameter"));
        }

        void Expected(string place, string expected, JsonElement found) =>
            faults.Add(new RequestFault(place, $"expected {expected}, found {FaultText.Show(found)}"));
    }

    private static string? Name(JsonElement tool) =>
        tool.ValueKind == JsonValueKind.Object
        && tool.TryGetProperty("function", out var function) && function.ValueKind == JsonValueKind.Object
        && function.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
            ? name.GetString() is { Length: > 0 } text ? text : null
            : null;
}

internal sealed class ChatToolsConverter : JsonConverter<ChatTools>
{
    public override ChatTools Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonElement.ParseValue(ref reader) is { ValueKind: JsonValueKind.Array } json
            ? new ChatTools(json)
            : throw new JsonException("a list of tools");

    public override void Write(Utf8JsonWriter writer, ChatTools value, JsonSerializerOptions options) => value.Json.WriteTo(writer);
}
