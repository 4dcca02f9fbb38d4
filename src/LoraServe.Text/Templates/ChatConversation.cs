using System.Buffers;
using System.Text.Json;

namespace LoraServe.Text.Templates;

/// <summary>
/// The conversation as templates expect it, in the form of vLLM and transformers: text parts joined by line breaks, unless the template
/// reads parts; a refusal as content; arguments of tool calls as objects instead of JSON text; no nulls. Fields unknown to the API are
/// passed on.
/// </summary>
public sealed class ChatConversation(ChatTemplateTraits traits)
{
    // Arguments may be as deep as a request body, plus their depth in a message.
    private const int MaxDepth = 256;

    private const string Refusal = "refusal";

    private static readonly JsonDocumentOptions ArgumentOptions = new() { AllowDuplicateProperties = false };

    /// <summary>Parses the arguments of a tool call, given as JSON text; an empty text means no arguments.</summary>
    /// <exception cref="JsonException">They are not valid JSON.</exception>
    public static JsonDocument ParseArguments(string text)
    {
        try
        {
            return JsonDocument.Parse(string.IsNullOrWhiteSpace(text) ? "{}" : text, ArgumentOptions);
        }
        // A property name that is not valid Unicode.
        catch (InvalidOperationException e)
        {
            throw new JsonException(e.Message, e);
        }
    }

    /// <summary>The texts of a message's content.</summary>
    public static IEnumerable<string> Texts(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => [content.GetString()!],
        JsonValueKind.Array => content.EnumerateArray().Select(PartText),
        _ => [],
    };

    /// <summary>The content of a checked message, or its refusal if it has no content.</summary>
    public static JsonElement Content(JsonElement message)
    {
        var has = message.TryGetProperty("content", out var content);
        return (!has || !Texts(content).Any(text => text.Length > 0)) && message.TryGetProperty(Refusal, out var refusal)
            && refusal.ValueKind == JsonValueKind.String
                ? refusal
                : content;
    }

    /// <summary>Writes the messages for a template.</summary>
    /// <param name="messages">Checked messages.</param>
    /// <param name="end">Text appended to the last message, which must have text.</param>
    public JsonElement Write(JsonElement messages, string end = "")
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { MaxDepth = MaxDepth }))
        {
            writer.WriteStartArray();
            var left = messages.GetArrayLength();
            foreach (var message in messages.EnumerateArray()) WriteMessage(writer, message, --left == 0 ? end : "");
            writer.WriteEndArray();
        }

        using var document = JsonDocument.Parse(buffer.WrittenMemory, new JsonDocumentOptions { MaxDepth = MaxDepth });
        return document.RootElement.Clone();
    }

    private void WriteMessage(Utf8JsonWriter writer, JsonElement message, string end)
    {
        writer.WriteStartObject();
        var hasContent = false;
        foreach (var field in message.EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.Null) continue;
            switch (field.Name)
            {
                case "role":
                    writer.WriteString("role", Role(field.Value.GetString()!));
                    break;
                case "content":
                    hasContent = true;
                    WriteContent(writer, Content(message), end);
                    break;
                case Refusal:
                    break;
                case "tool_calls" when field.Value.GetArrayLength() == 0:
                    break;
                case "tool_calls":
                    writer.WriteStartArray("tool_calls");
                    foreach (var call in field.Value.EnumerateArray()) WriteToolCall(writer, call);
                    writer.WriteEndArray();
                    break;
                default:
                    field.WriteTo(writer);
                    break;
            }
        }

        if (!hasContent) WriteContent(writer, Content(message), end);
        writer.WriteEndObject();
    }

    private static string PartText(JsonElement part)
    {
        var isRefusal = part.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.ValueEquals(Refusal)
            && part.TryGetProperty(Refusal, out _);
        return part.GetProperty(isRefusal ? Refusal : "text").GetString()!;
    }

    private string Role(string role) => role == "developer" && !traits.KnowsDevelopers ? "system" : role;

    private void WriteContent(Utf8JsonWriter writer, JsonElement content, string end)
    {
        var texts = Texts(content).ToList();
        if (texts.Count > 0) texts[^1] += end;
        writer.WritePropertyName("content");
        if (traits.ReadsParts)
        {
            writer.WriteStartArray();
            foreach (var text in texts)
            {
                writer.WriteStartObject();
                writer.WriteString("type", "text");
                writer.WriteString("text", text);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }
        else
        {
            writer.WriteStringValue(string.Join('\n', texts));
        }
    }

    private static void WriteToolCall(Utf8JsonWriter writer, JsonElement call)
    {
        writer.WriteStartObject();
        foreach (var field in call.EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.Null) continue;
            if (field.Name != "function")
            {
                field.WriteTo(writer);
                continue;
            }

            writer.WriteStartObject("function");
            foreach (var part in field.Value.EnumerateObject().Where(part => part.Name != "arguments")) part.WriteTo(writer);
            WriteArguments(writer, field.Value);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteArguments(Utf8JsonWriter writer, JsonElement function)
    {
        writer.WritePropertyName("arguments");
        var has = function.TryGetProperty("arguments", out var arguments);
        if (has && arguments.ValueKind == JsonValueKind.Object)
        {
            arguments.WriteTo(writer);
            return;
        }

        using var document = ParseArguments(has && arguments.ValueKind == JsonValueKind.String ? arguments.GetString()! : "");
        document.RootElement.WriteTo(writer);
    }
}
