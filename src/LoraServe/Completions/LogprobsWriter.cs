using LoraServe.Engine.Generation;
using LoraServe.Engine.Tokenization;
using LoraServe.Generation;

namespace LoraServe.Completions;

/// <summary>Log-probabilities in the shapes of the API.</summary>
internal static class LogprobsWriter
{
    /// <summary>Those of consecutive tokens; a token without any, the first of a prompt, gets nulls.</summary>
    public static CompletionLogprobs Of(IReadOnlyCollection<LocatedToken> tokens, Tokenizer tokenizer, int top) => new()
    {
        Tokens = [.. tokens.Select(token => tokenizer.TokenText(token.Id))],
        TokenLogprobs = [.. tokens.Select(token => token.Logprobs?.Logprob)],
        TopLogprobs = [.. tokens.Select(token => token.Logprobs is { } logprobs ? Top(tokenizer, token.Id, logprobs, top) : null)],
        TextOffset = [.. tokens.Select(token => token.Offset)],
    };

    /// <summary>Those of a prompt, by token id.</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, PromptLogprob>?> OfPrompt(
        EvaluatedPrompt prompt, Tokenizer tokenizer, int top) =>
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

    // Several ids may have the same text; the most probable one speaks for it.
    private static Dictionary<string, float> Top(Tokenizer tokenizer, int tokenId, TokenLogprobs logprobs, int top)
    {
        var texts = new Dictionary<string, float>();
        foreach (var (id, logprob) in logprobs.Top.Take(top)) texts.TryAdd(tokenizer.TokenText(id), logprob);
        texts.TryAdd(tokenizer.TokenText(tokenId), logprobs.Logprob);
        return texts;
    }
}
