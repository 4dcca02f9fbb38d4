using System.Text.Json.Serialization;
using LoraServe.Generation;

namespace LoraServe.Api.Chat;

/// <summary>One event of a streamed answer: what is new in one of its choices.</summary>
public sealed record ChatChunk
{
    /// <summary>The answer's own name, the same in every event.</summary>
    /// <example>chatcmpl-0d3f2a6c5e7b4f7e8a1b2c3d4e5f6a7b</example>
    public required string Id { get; init; }

    /// <summary>Always chat.completion.chunk.</summary>
    /// <example>chat.completion.chunk</example>
    public string Object { get; init; } = "chat.completion.chunk";

    /// <summary>When the request arrived, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long Created { get; init; }

    /// <summary>The model as the request named it; the base model's name if it named none.</summary>
    /// <example>sql</example>
    public required string Model { get; init; }

    /// <summary>Names the very weights that answer: the beginnings of the hashes of the base model and of the adapter version.</summary>
    /// <example>fp_3f9a1c52d7e0-81c2e4a09b5d</example>
    public required string SystemFingerprint { get; init; }

    /// <summary>One, and none in the event of the usage.</summary>
    public required IReadOnlyList<ChatChunkChoice> Choices { get; init; }

    /// <summary>The work done; null in every event but the one of usage.</summary>
    public Usage? Usage { get; init; }

    /// <summary>The ids of the prompt; only with return_token_ids, in the first event.</summary>
    /// <example>[1, 2264, 225]</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? PromptTokenIds { get; init; }
}

/// <summary>What is new in a choice.</summary>
public sealed record ChatChunkChoice
{
    /// <summary>Its number, from 0.</summary>
    /// <example>0</example>
    public required int Index { get; init; }

    /// <summary>What its message grows by.</summary>
    public required ChatDelta Delta { get; init; }

    /// <summary>Log-probabilities of new tokens if the request asked for them, else null.</summary>
    public ChatLogprobs? Logprobs { get; init; }

    /// <summary>Null while the choice goes on; then stop, length or tool_calls.</summary>
    /// <example>null</example>
    public string? FinishReason { get; init; }

    /// <summary>The stop text or the id of stop_token_ids that ended it; null if the model ended it, or nothing has yet.</summary>
    /// <example>null</example>
    public object? StopReason { get; init; }

    /// <summary>The ids of new tokens; only with return_token_ids.</summary>
    /// <example>[1251]</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? TokenIds { get; init; }
}

/// <summary>What a message grows by; empty in the last event of a choice.</summary>
public sealed record ChatDelta
{
    /// <summary>assistant, in the first event of a choice.</summary>
    /// <example>assistant</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Role { get; init; }

    /// <summary>The next piece of text.</summary>
    /// <example> name</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Content { get; init; }

    /// <summary>The beginning of a call, or the next piece of its arguments.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ChatToolCallDelta>? ToolCalls { get; init; }
}

/// <summary>What a call grows by.</summary>
public sealed record ChatToolCallDelta
{
    /// <summary>The call's number, from 0.</summary>
    /// <example>0</example>
    public required int Index { get; init; }

    /// <summary>Names the call in the message that brings its result; in the call's first event.</summary>
    /// <example>call_0d3f2a6c5e7b4f7e8a1b2c3d4e5f6a7b</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Id { get; init; }

    /// <summary>function, in the call's first event.</summary>
    /// <example>function</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Type { get; init; }

    /// <summary>What is new.</summary>
    public required ChatFunctionDelta Function { get; init; }
}

/// <summary>What a function's name and arguments grow by.</summary>
public sealed record ChatFunctionDelta
{
    /// <summary>The whole name, in the call's first event.</summary>
    /// <example>get_weather</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    /// <summary>The next piece of the arguments' text.</summary>
    /// <example>{"city": "Paris"}</example>
    public required string Arguments { get; init; }
}
