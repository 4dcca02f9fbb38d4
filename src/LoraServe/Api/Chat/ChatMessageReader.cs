using System.Text.Json;
using LoraServe.Api.Requests;
using LoraServe.Text.Faults;
using LoraServe.Text.Templates;

namespace LoraServe.Api.Chat;

/// <summary>Checks the messages of a conversation and collects a fault for every invalid field.</summary>
internal sealed class ChatMessageReader(RequestFaults faults)
{
    private const string Assistant = "assistant";

    private static readonly string[] Roles = ["developer", "system", "user", Assistant, "tool"];

    // The API's parts that are not text.
    private static readonly string[] OtherParts =
        ["image_url", "image", "input_image", "input_audio", "audio_url", "audio", "video_url", "video", "file", "image_embeds"];

    public void Check(JsonElement messages)
    {
        var i = 0;
        foreach (var message in messages.EnumerateArray()) CheckMessage(message, $"messages[{i++}]");
    }

    private static bool IsEmpty(JsonElement content) =>
        content.ValueKind == JsonValueKind.String ? content.ValueEquals("") : content.ValueKind == JsonValueKind.Array && content.GetArrayLength() == 0;

    private static JsonElement? Field(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private void CheckMessage(JsonElement message, string at)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            Expected(at, "an object with role and content", message);
            return;
        }

        var role = Field(message, "role");
        if (role is not { ValueKind: JsonValueKind.String } text || !Roles.Contains(text.GetString()))
            Expected($"{at}.role", string.Join(", ", Roles), role);
        var isAssistant = role is { ValueKind: JsonValueKind.String } && role.Value.ValueEquals(Assistant);
        var content = Field(message, "content");
        CheckContent(content, isAssistant, $"{at}.content");
        if (Field(message, "refusal") is { } refusal) CheckRefusal(refusal, isAssistant, content, $"{at}.refusal");
        if (Field(message, "name") is { ValueKind: not JsonValueKind.String } name) Expected($"{at}.name", "a text", name);
        if (Field(message, "tool_call_id") is { ValueKind: not JsonValueKind.String } id) Expected($"{at}.tool_call_id", "a text", id);
        if (Field(message, "tool_calls") is { } calls) CheckToolCalls(calls, isAssistant, $"{at}.tool_calls");
        foreach (var unsupported in (string[])["function_call", "audio"])
        {
            if (Field(message, unsupported) is { } value) Unsupported($"{at}.{unsupported}", value);
        }
    }

    private void CheckContent(JsonElement? content, bool mayBeAbsent, string at)
    {
        switch (content)
        {
            case null when !mayBeAbsent:
                faults.Add(new RequestFault(at, "is required"));
                break;
            case { ValueKind: JsonValueKind.Array } parts:
                var i = 0;
                foreach (var part in parts.EnumerateArray()) CheckPart(part, isAssistant: mayBeAbsent, $"{at}[{i++}]");
                break;
            case { ValueKind: not JsonValueKind.String } other:
                Expected(at, "a text or a list of parts", other);
                break;
        }
    }

    // A refusal replaces the content.
    private void CheckRefusal(JsonElement refusal, bool isAllowed, JsonElement? content, string at)
    {
        if (refusal.ValueKind != JsonValueKind.String) Expected(at, "a text", refusal);
        else if (!isAllowed) faults.Add(new RequestFault(at, "only an assistant's message can have one"));
        else if (content is { } text && !refusal.ValueEquals("") && !IsEmpty(text))
            faults.Add(new RequestFault(at, "expected either a content or a refusal, found both"));
    }

    private void CheckPart(JsonElement part, bool isAssistant, string at)
    {
        if (part.ValueKind != JsonValueKind.Object || Field(part, "type") is not { ValueKind: JsonValueKind.String } type)
            Expected(at, """an object like {"type": "text", "text": "Hello"}""", part);
        else if (OtherParts.Contains(type.GetString()))
            faults.Add(new RequestFault($"{at}.type", $"{FaultText.Show(type)} is not supported: this server reads text only", "unsupported_parameter"));
        else if (isAssistant && type.ValueEquals("refusal"))
            CheckText(part, "refusal", at);
        else if (!type.ValueEquals("text"))
            Expected($"{at}.type", "text", type);
        else
            CheckText(part, "text", at);
    }

    private void CheckText(JsonElement part, string name, string at)
    {
        if (Field(part, name) is not { ValueKind: JsonValueKind.String }) Expected($"{at}.{name}", "a text", Field(part, name));
    }

    private void CheckToolCalls(JsonElement calls, bool isAllowed, string at)
    {
        if (calls.ValueKind != JsonValueKind.Array)
        {
            Expected(at, "a list", calls);
            return;
        }

        if (!isAllowed && calls.GetArrayLength() > 0) faults.Add(new RequestFault(at, "only an assistant's message can have some"));
        var i = 0;
        foreach (var call in calls.EnumerateArray()) CheckToolCall(call, $"{at}[{i++}]");
    }

    private void CheckToolCall(JsonElement call, string at)
    {
        if (call.ValueKind != JsonValueKind.Object || Field(call, "function") is not { ValueKind: JsonValueKind.Object } function)
        {
            Expected(at, """an object like {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}""", call);
            return;
        }

        if (Field(call, "id") is { ValueKind: not JsonValueKind.String } id) Expected($"{at}.id", "a text", id);
        if (Field(call, "type") is { } type && !(type.ValueKind == JsonValueKind.String && type.ValueEquals("function")))
            Expected($"{at}.type", "function", type);
        if (Field(function, "name") is not { ValueKind: JsonValueKind.String })
            Expected($"{at}.function.name", "a text", Field(function, "name"));
        if (Field(function, "arguments") is { } arguments && !IsArguments(arguments))
            Expected($"{at}.function.arguments", "the text of a JSON object", arguments);
    }

    private static bool IsArguments(JsonElement arguments)
    {
        if (arguments.ValueKind != JsonValueKind.String) return arguments.ValueKind == JsonValueKind.Object;
        try
        {
            using var document = ChatConversation.ParseArguments(arguments.GetString()!);
            return document.RootElement.ValueKind == JsonValueKind.Object && UnicodeText.FirstInvalid(document.RootElement) is null;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private void Expected(string at, string expected, JsonElement? found) => faults.Add(new RequestFault(
        at, $"expected {expected}, found {(found is { } value ? FaultText.Show(value) : "nothing")}"));

    private void Unsupported(string at, JsonElement found) => faults.Add(new RequestFault(
        at, $"is not supported by this server, found {FaultText.Show(found)}", "unsupported_parameter"));
}
