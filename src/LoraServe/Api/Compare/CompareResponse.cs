using System.Text.Json.Serialization;
using LoraServe.Api.Chat;
using LoraServe.Generation;

namespace LoraServe.Api.Compare;

/// <summary>The answer to a comparison; with stream, the shape of each event, whose choice carries only what is new.</summary>
public sealed record CompareResponse
{
    /// <summary>The answer's own name, the same in every event of a stream.</summary>
    /// <example>cmpr-0d3f2a6c5e7b4f7e8a1b2c3d4e5f6a7b</example>
    public required string Id { get; init; }

    /// <summary>comparison, or comparison.chunk for an event.</summary>
    /// <example>comparison</example>
    public required string Object { get; init; }

    /// <summary>When the request arrived, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long Created { get; init; }

    /// <summary>The base model.</summary>
    /// <example>loraserve-demo</example>
    public required string Model { get; init; }

    /// <summary>Those of the first column, then those of the next; one in an event, and none in the event of the usage.</summary>
    public required IReadOnlyList<CompareChoice> Choices { get; init; }

    /// <summary>One for the base and for each adapter, in order; not in the events of a stream but the one of usage.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<CompareColumn>? Columns { get; init; }

    /// <summary>The work done for all columns; null in every event of a stream but the one of usage.</summary>
    public Usage? Usage { get; init; }
}

/// <summary>What ran on one adapter.</summary>
public sealed record CompareColumn
{
    /// <summary>base, or the adapter's name and the beginning of its version.</summary>
    /// <example>sql@7a34dff778dd</example>
    public required string Adapter { get; init; }

    /// <summary>Names the very weights that answered: the beginnings of the hashes of the base model and of the adapter version.</summary>
    /// <example>fp_3f9a1c52d7e0-81c2e4a09b5d</example>
    public required string SystemFingerprint { get; init; }

    /// <summary>The work done for this column.</summary>
    public required Usage Usage { get; init; }
}

/// <summary>One answer of one column.</summary>
public sealed record CompareChoice
{
    /// <summary>Column number times n plus the choice's number in its column.</summary>
    /// <example>1</example>
    public required int Index { get; init; }

    /// <summary>base, or the adapter's name and the beginning of its version.</summary>
    /// <example>sql@7a34dff778dd</example>
    public required string Adapter { get; init; }

    /// <summary>The continuation of a prompt, or in a stream the next piece of it.</summary>
    /// <example>SELECT name FROM products WHERE price &lt; 59;</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Text { get; init; }

    /// <summary>The answer to a conversation.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ChatAnswer? Message { get; init; }

    /// <summary>What the answer to a conversation grows by, in a stream.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ChatDelta? Delta { get; init; }

    /// <summary>Log-probabilities if the request asked for them, else null.</summary>
    public ChatLogprobs? Logprobs { get; init; }

    /// <summary>stop, length or tool_calls; null while a stream goes on.</summary>
    /// <example>stop</example>
    public string? FinishReason { get; init; }

    /// <summary>The stop text or the id of stop_token_ids that ended it; null if the model ended it.</summary>
    /// <example>null</example>
    public object? StopReason { get; init; }

    /// <summary>The generated ids, the end token included; only with return_token_ids.</summary>
    /// <example>[1251, 30, 4]</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? TokenIds { get; init; }

    /// <summary>The ids of the column's prompt; only with return_token_ids, in a stream only in the choice's first event.</summary>
    /// <example>[2264, 225]</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? PromptTokenIds { get; init; }

    /// <summary>For each token of the column's prompt, it and its alternatives by token id; only with prompt_logprobs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<IReadOnlyDictionary<string, PromptLogprob>?>? PromptLogprobs { get; init; }
}
