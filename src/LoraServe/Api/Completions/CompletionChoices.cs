using System.Text;
using LoraServe.Generation;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Api.Completions;

/// <summary>Turns the parts of a run into the choices of a completion.</summary>
internal sealed class CompletionChoices(CompletionRequest request, Tokenizer tokenizer)
{
    /// <summary>One piece of a stream.</summary>
    public CompletionChoice Of(ChoicePart part) => Of([part]);

    /// <summary>A whole choice.</summary>
    /// <param name="parts">Consecutive parts, at least one.</param>
    public CompletionChoice Of(IReadOnlyList<ChoicePart> parts)
    {
        var prompt = parts[0].Prompt;
        var tokens = parts.Where(part => part.Token is not null).Select(part => part.Token!.Value).ToList();
        return new CompletionChoice
        {
            Index = parts[0].Index,
            Text = parts.Aggregate(new StringBuilder(), (text, part) => text.Append(part.Text)).ToString(),
            Logprobs = Logprobs(prompt, tokens),
            FinishReason = parts[^1].FinishReason?.Name(),
            StopReason = parts[^1].StopReason,
            TokenIds = request.ReturnTokenIds && (tokens.Count > 0 || parts.Count > 1) ? [.. tokens.Select(token => token.Id)] : null,
            PromptTokenIds = request.ReturnTokenIds ? prompt?.Tokens.Select(token => token.Id).ToList() : null,
            PromptLogprobs = request.PromptLogprobs is { } top && prompt is not null
                ? PromptLogprob.Of(prompt, tokenizer, top)
                : null,
        };
    }

    private CompletionLogprobs? Logprobs(EvaluatedPrompt? prompt, List<LocatedToken> tokens)
    {
        if (request.Logprobs is not { } top) return null;
        List<LocatedToken> all = request.Echo && prompt is not null ? [.. prompt.Tokens, .. tokens] : tokens;
        return all.Count > 0 ? CompletionLogprobs.Of(all, tokenizer, top) : null;
    }
}
