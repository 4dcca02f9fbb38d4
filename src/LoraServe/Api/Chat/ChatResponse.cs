using System.Text.Json.Serialization;
using LoraServe.Generation;

namespace LoraServe.Api.Chat;

/// <summary>The answer to a chat request.</summary>
public sealed record ChatResponse
{
    /// <summary>The answer's own name.</summary>
    /// <example>chatcmpl-0d3f2a6c5e7b4f7e8a1b2c3d4e5f6a7b</example>
    public required string Id { get; init; }

    /// <summary>Always chat.completion.</summary>
    /// <example>chat.completion</example>
    public string Object { get; init; } = "chat.completion";

    /// <summary>When the request arrived, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long Created { get; init; }

    /// <summary>The model as the request named it; the base model's name if it named none.</summary>
    /// <example>sql</example>
    public required string Model { get; init; }

    /// <summary>Names the very weights that answered: the beginnings of the hashes of the base model and of the adapter version.</summary>
    /// <example>fp_3f9a1c52d7e0-81c2e4a09b5d</example>
    public required string SystemFingerprint { get; init; }

    /// <summary>As many as n says.</summary>
    public required IReadOnlyList<ChatChoice> Choices { get; init; }

    /// <summary>The work done.</summary>
    public required Usage Usage { get; init; }

    /// <summary>The ids of the prompt that the template made; only with return_token_ids.</summary>
    /// <example>[1, 2264, 225]</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? PromptTokenIds { get; init; }

    /// <summary>For each token of the prompt, it and its alternatives by token id, null for the first; only with prompt_logprobs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<IReadOnlyDictionary<string, PromptLogprob>?>? PromptLogprobs { get; init; }
}

/// <summary>One answer to the conversation.</summary>
public sealed record ChatChoice
{
    /// <summary>Its number, from 0.</summary>
    /// <example>0</example>
    public required int Index { get; init; }

    /// <summary>The assistant's message.</summary>
    public required ChatAnswer Message { get; init; }

    /// <summary>Log-probabilities if the request asked for them, else null.</summary>
    public ChatLogprobs? Logprobs { get; init; }

    /// <summary>stop: an end token or a stop text; length: the most tokens or the end of the context; tool_calls: tools are called.</summary>
    /// <example>stop</example>
    public required string FinishReason { get; init; }

    /// <summary>The stop text or the id of stop_token_ids that ended it; null if the model ended it.</summary>
    /// <example>null</example>
    public object? StopReason { get; init; }

    /// <summary>The generated ids, the end token included; only with return_token_ids.</summary>
    /// <example>[1251, 30, 4]</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? TokenIds { get; init; }
}

/// <summary>A message of the assistant.</summary>
public sealed record ChatAnswer
{
    /// <summary>Always assistant.</summary>
    /// <example>assistant</example>
    public string Role { get; init; } = "assistant";

    /// <summary>The text, without a stop text and without calls of tools; null where there are only calls.</summary>
    /// <example>SELECT name FROM products WHERE stock = 0;</example>
    public required string? Content { get; init; }

    /// <summary>Always null: no text is marked as a refusal.</summary>
    /// <example>null</example>
    public string? Refusal { get; init; }

    /// <summary>Calls of the request's tools, if there are any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ChatToolCall>? ToolCalls { get; init; }
}

/// <summary>A call of a tool, to be made by the client.</summary>
public sealed record ChatToolCall
{
    /// <summary>Names the call in the message that brings its result.</summary>
    /// <example>call_0d3f2a6c5e7b4f7e8a1b2c3d4e5f6a7b</example>
    public required string Id { get; init; }

    /// <summary>Always function.</summary>
    /// <example>function</example>
    public string Type { get; init; } = "function";

    /// <summary>What is called.</summary>
    public required ChatFunctionCall Function { get; init; }
}

/// <summary>A function and its arguments.</summary>
public sealed record ChatFunctionCall
{
    /// <summary>Its name, as the model wrote it: check that it is one of the request's tools.</summary>
    /// <example>get_weather</example>
    public required string Name { get; init; }

    /// <summary>The text of a JSON object, as the model wrote it: check it against the function's parameters.</summary>
    /// <example>{"city": "Paris"}</example>
    public required string Arguments { get; init; }
}
