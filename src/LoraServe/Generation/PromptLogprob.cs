using LoraServe.Engine.Sampling;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Generation;

/// <summary>One token at a position of the prompt.</summary>
public sealed record PromptLogprob
{
    /// <summary>The natural logarithm of its probability.</summary>
    /// <example>-1.25</example>
    public required float Logprob { get; init; }

    /// <summary>1 for the most probable token; null for the prompt's own token if it is none of the most probable ones.</summary>
    /// <example>1</example>
    public required int? Rank { get; init; }

    /// <summary>The token as text.</summary>
    /// <example> products</example>
    public required string DecodedToken { get; init; }

    /// <summary>Those of each token of a prompt and of its most probable alternatives, by token id; null for the first token.</summary>
    internal static IReadOnlyList<IReadOnlyDictionary<string, PromptLogprob>?> Of(EvaluatedPrompt prompt, Tokenizer tokenizer, int top) =>
        [.. prompt.Tokens.Select(token => token.Logprobs is { } logprobs ? OfPosition(tokenizer, token.Id, logprobs, top) : null)];

    private static Dictionary<string, PromptLogprob> OfPosition(Tokenizer tokenizer, int tokenId, TokenLogprobs logprobs, int top)
    {
        var ranked = new Dictionary<string, PromptLogprob>();
        for (var rank = 1; rank <= logprobs.Top.Count; rank++)
        {
            var (id, logprob) = logprobs.Top[rank - 1];
            if (rank <= top || id == tokenId) ranked[$"{id}"] = Of(id, logprob, rank);
        }

        ranked.TryAdd($"{tokenId}", Of(tokenId, logprobs.Logprob, null));
        return ranked;

        PromptLogprob Of(int id, float logprob, int? rank) =>
            new() { Logprob = logprob, Rank = rank, DecodedToken = tokenizer.TokenText(id) };
    }
}
