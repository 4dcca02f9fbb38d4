using System.Text.Json.Serialization;
using LoraServe.Engine.Sampling;
using LoraServe.Generation;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Api.Completions;

/// <summary>The answer to a completion request; with stream, the shape of each event, whose choices carry only what is new.</summary>
public sealed record CompletionResponse
{
    /// <summary>The answer's own name, the same in every event of a stream.</summary>
    /// <example>cmpl-0d3f2a6c5e7b4f7e8a1b2c3d4e5f6a7b</example>
    public required string Id { get; init; }

    /// <summary>Always text_completion.</summary>
    /// <example>text_completion</example>
    public string Object { get; init; } = "text_completion";

    /// <summary>When the request arrived, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long Created { get; init; }

    /// <summary>The model as the request named it; the base model's name if it named none.</summary>
    /// <example>sql</example>
    public required string Model { get; init; }

    /// <summary>Names the very weights that answered: the beginnings of the hashes of the base model and of the adapter version.</summary>
    /// <example>fp_3f9a1c52d7e0-81c2e4a09b5d</example>
    public required string SystemFingerprint { get; init; }

    /// <summary>One for each prompt and choice; empty in a stream's event of usage.</summary>
    public required IReadOnlyList<CompletionChoice> Choices { get; init; }

    /// <summary>The work done; null in every event of a stream but the one of usage.</summary>
    public Usage? Usage { get; init; }
}

/// <summary>One continuation of one prompt.</summary>
public sealed record CompletionChoice
{
    /// <summary>Prompt number times n plus choice number.</summary>
    /// <example>0</example>
    public required int Index { get; init; }

    /// <summary>The text, without a stop text; in a stream, the next piece of it.</summary>
    /// <example>SELECT name FROM products WHERE stock = 0;</example>
    public required string Text { get; init; }

    /// <summary>Log-probabilities if the request asked for them, else null.</summary>
    public CompletionLogprobs? Logprobs { get; init; }

    /// <summary>stop: an end token or a stop text; length: max_tokens or the end of the context; null while a stream goes on.</summary>
    /// <example>stop</example>
    public string? FinishReason { get; init; }

    /// <summary>The stop text or the id of stop_token_ids that ended it; null if the model ended it.</summary>
    /// <example>null</example>
    public object? StopReason { get; init; }

    /// <summary>The generated ids, the end token included; only with return_token_ids.</summary>
    /// <example>[1251, 30, 4]</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? TokenIds { get; init; }

    /// <summary>The ids of the prompt; only with return_token_ids, in a stream only in the choice's first event.</summary>
    /// <example>[2264, 225]</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? PromptTokenIds { get; init; }

    /// <summary>For each token of the prompt, it and its alternatives by token id, null for the first; only with prompt_logprobs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<IReadOnlyDictionary<string, PromptLogprob>?>? PromptLogprobs { get; init; }
}

/// <summary>Log-probabilities of tokens in order; the four lists are of the same length.</summary>
public sealed record CompletionLogprobs
{
    /// <summary>Each token as text; bytes that are no text of their own as bytes:\xNN.</summary>
    /// <example>["SELECT", " name"]</example>
    public required IReadOnlyList<string> Tokens { get; init; }

    /// <summary>The natural logarithm of each token's probability; null for the first token of a prompt.</summary>
    /// <example>[-0.01, -0.2]</example>
    public required IReadOnlyList<float?> TokenLogprobs { get; init; }

    /// <summary>The most probable tokens at each position and the token itself; null for the first token of a prompt.</summary>
    /// <example>[{"SELECT": -0.01}, {" name": -0.2}]</example>
    public required IReadOnlyList<IReadOnlyDictionary<string, float>?> TopLogprobs { get; init; }

    /// <summary>Where each token begins in the text, the echoed prompt included, in Unicode code points.</summary>
    /// <example>[0, 6]</example>
    public required IReadOnlyList<int> TextOffset { get; init; }

    /// <summary>The log-probabilities of consecutive tokens; a token without any, the first of a prompt, gets nulls.</summary>
    internal static CompletionLogprobs Of(IReadOnlyCollection<LocatedToken> tokens, Tokenizer tokenizer, int top) => new()
    {
        Tokens = [.. tokens.Select(token => tokenizer.TokenText(token.Id))],
        TokenLogprobs = [.. tokens.Select(token => token.Logprobs?.Logprob)],
        TopLogprobs = [.. tokens.Select(token => token.Logprobs is { } logprobs ? Top(tokenizer, token.Id, logprobs, top) : null)],
        TextOffset = [.. tokens.Select(token => token.Offset)],
    };

    // Several ids may have the same text; the most probable one represents it.
    private static Dictionary<string, float> Top(Tokenizer tokenizer, int tokenId, TokenLogprobs logprobs, int top)
    {
        var texts = new Dictionary<string, float>();
        foreach (var (id, logprob) in logprobs.Top.Take(top)) texts.TryAdd(tokenizer.TokenText(id), logprob);
        texts.TryAdd(tokenizer.TokenText(tokenId), logprobs.Logprob);
        return texts;
    }
}
