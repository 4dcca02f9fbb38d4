using System.Text.Json;

namespace LoraServe.Api.Chat.Tools;

/// <summary>A call that a model wrote.</summary>
/// <param name="Id">The id of the call, for the message with its result.</param>
/// <param name="Name">The function.</param>
/// <param name="Arguments">A JSON object, exactly as the model wrote it.</param>
internal sealed record ToolCall(string Id, string Name, string Arguments)
{
    private const string NoArguments = "{}";

    /// <summary>Reads <c>{"name": …, "arguments": {…}}</c>; null if it is something else.</summary>
    /// <param name="json">The call. Its arguments may also be called parameters, and be JSON inside a text.</param>
    /// <param name="newId">Makes an id if the call has none.</param>
    /// <exception cref="InvalidOperationException">The name or the id is not valid Unicode.</exception>
    public static ToolCall? Read(JsonElement json, Func<string> newId)
    {
        if (json.ValueKind != JsonValueKind.Object || Text(json, "name") is not { Length: > 0 } name) return null;
        var arguments = HasArguments(json, out var value) ? ReadArguments(value) : NoArguments;
        return arguments is null ? null : new ToolCall(Text(json, "id") is { Length: > 0 } id ? id : newId(), name, arguments);
    }

    /// <summary>Whether an object has the arguments of a call.</summary>
    public static bool HasArguments(JsonElement json, out JsonElement arguments) =>
        json.TryGetProperty("arguments", out arguments) || json.TryGetProperty("parameters", out arguments);

    private static string? ReadArguments(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object) return value.GetRawText();
        if (value.ValueKind == JsonValueKind.Null) return NoArguments;
        if (value.ValueKind != JsonValueKind.String) return null;
        var text = value.GetString()!;
        using var inner = JsonDocument.Parse(text);
        return inner.RootElement.ValueKind == JsonValueKind.Object ? inner.RootElement.GetRawText() : null;
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
