using System.Text.Json;
using LoraServe.Text.Faults;
using LoraServe.Text.Templates;

namespace LoraServe.Engine.Training.Data;

/// <summary>Finds faults in a line of messages before a template sees it.</summary>
internal sealed class ConversationFaults
{
    private const string Assistant = "assistant";

    private static readonly string[] Roles = ["developer", "system", "user", Assistant, "tool"];

    private static readonly string[] Fields =
        ["role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "weight"];

    private readonly FaultList _faults = new(faults => new ExampleException(faults));

    /// <summary>Rejects a line with faults, as soon as there are enough of them.</summary>
    /// <exception cref="ExampleException">The line has faults.</exception>
    public static void ThrowIfAny(JsonElement line)
    {
        var faults = new ConversationFaults();
        faults.Check(line);
        faults._faults.ThrowIfAny();
    }

    private void Check(JsonElement line)
    {
        var messages = line.GetProperty("messages");
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
            Expected("messages", "a list of at least one message", messages);
        else
            Each(messages, "messages", CheckMessage);
        if (Field(line, "tools") is { } tools)
        {
            if (tools.ValueKind != JsonValueKind.Array) Expected("tools", "a list", tools);
            else Each(tools, "tools", CheckTool);
        }

        if (Field(line, "parallel_tool_calls") is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) } parallel)
            Expected("parallel_tool_calls", "true or false", parallel);
    }

    private void CheckMessage(JsonElement message, string at)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            Expected(at, "an object with role and content", message);
            return;
        }

        foreach (var field in message.EnumerateObject().Where(field => !Fields.Contains(field.Name) && field.Value.ValueKind != JsonValueKind.Null))
            Add($"{at}: the field {FaultText.Shorten(field.Name)} is unknown; expected {string.Join(", ", Fields)}");
        var role = Field(message, "role");
        if (role is not { ValueKind: JsonValueKind.String } || !Roles.Contains(role.Value.GetString()))
            Expected($"{at}.role", string.Join(", ", Roles), role);
        var isAssistant = role is { ValueKind: JsonValueKind.String } && role.Value.ValueEquals(Assistant);
        CheckContent(message, isAssistant, at);
        foreach (var name in (string[])["name", "tool_call_id", "reasoning_content"])
            if (Field(message, name) is { ValueKind: not JsonValueKind.String } value) Expected($"{at}.{name}", "a text", value);
        if (Field(message, "weight") is not { } weight) return;
        if (!isAssistant) Add($"{at}.weight: only an assistant's turn has one");
        else if (weight.ValueKind != JsonValueKind.Number || weight.GetDouble() is not (0 or 1)) Expected($"{at}.weight", "0 or 1", weight);
    }

    private void CheckContent(JsonElement message, bool isAssistant, string at)
    {
        var (content, calls) = (Field(message, "content"), Field(message, "tool_calls"));
        switch (content)
        {
            case null when !isAssistant:
                Expected($"{at}.content", "a text", content);
                break;
            case null when calls is not { ValueKind: JsonValueKind.Array } || calls.Value.GetArrayLength() == 0:
                Add($"{at}: an assistant's turn without content or tool_calls");
                break;
            case { ValueKind: JsonValueKind.Array } parts:
                Each(parts, $"{at}.content", CheckPart);
                break;
            case { ValueKind: not JsonValueKind.String }:
                Expected($"{at}.content", "a text or a list of parts", content);
                break;
        }

        if (calls is null) return;
        if (calls.Value.ValueKind != JsonValueKind.Array) Expected($"{at}.tool_calls", "a list", calls);
        else if (!isAssistant) Add($"{at}.tool_calls: only an assistant's turn has some");
        else Each(calls.Value, $"{at}.tool_calls", CheckCall);
    }

    private void CheckPart(JsonElement part, string at)
    {
        if (part.ValueKind != JsonValueKind.Object || Field(part, "type") is not { ValueKind: JsonValueKind.String } type || !type.ValueEquals("text")
            || Field(part, "text") is not { ValueKind: JsonValueKind.String })
        {
            Expected(at, """{"type": "text", "text": "..."}, the only kind that is read""", part);
        }
    }

    private void CheckCall(JsonElement call, string at)
    {
        if (call.ValueKind != JsonValueKind.Object || Field(call, "function") is not { ValueKind: JsonValueKind.Object } function
            || Field(function, "name") is not { ValueKind: JsonValueKind.String })
        {
            Expected(at, """{"type": "function", "function": {"name": "...", "arguments": "{...}"}}""", call);
        }
        else if (Field(function, "arguments") is { } arguments && !AreArguments(arguments))
        {
            Expected($"{at}.function.arguments", "the text of a JSON object", arguments);
        }
    }

    private void CheckTool(JsonElement tool, string at)
    {
        if (tool.ValueKind != JsonValueKind.Object || Field(tool, "function") is not { ValueKind: JsonValueKind.Object } function
            || Field(function, "name") is not { ValueKind: JsonValueKind.String })
        {
            Expected(at, """{"type": "function", "function": {"name": "...", "parameters": {...}}}""", tool);
        }
    }

    private static bool AreArguments(JsonElement arguments)
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

    private void Each(JsonElement list, string at, Action<JsonElement, string> check)
    {
        var i = 0;
        foreach (var item in list.EnumerateArray()) check(item, $"{at}[{i++}]");
    }

    private void Expected(string at, string expected, JsonElement? found) =>
        Add($"{at}: expected {expected}, found {(found is { } value ? FaultText.Show(value) : "nothing")}");

    private void Add(string fault) => _faults.Add(fault);

    private static JsonElement? Field(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
