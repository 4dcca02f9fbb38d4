using LoraServe.Generation;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Api.Completions;

/// <summary>Turns the parts of a run into the choices of a completion.</summary>
internal sealed class CompletionChoices(CompletionRequest request, Tokenizer tokenizer)
{
    private bool WantsTokens => request.ReturnTokenIds || request.Logprobs is not null;

    /// <summary>One piece of a stream.</summary>
    public CompletionChoice Of(ChoicePart part) => Of(part, part, part.Text, WantsTokens && part.Token is { } token ? [token] : [], isWhole: false);

    /// <summary>A whole choice.</summary>
    /// <param name="parts">Consecutive parts, at least one.</param>
    public CompletionChoice Of(IReadOnlyList<ChoicePart> parts) => Of(
        parts[0],
        parts[^1],
        string.Concat(parts.Select(part => part.Text)),
        [.. parts.Where(part => part.Token is not null).Select(part => part.Token!.Value)],
        isWhole: parts.Count > 1);

    private CompletionChoice Of(ChoicePart first, ChoicePart last, string text, LocatedToken[] tokens, bool isWhole)
    {
        var prompt = first.Prompt;
        return new CompletionChoice
        {
            Index = first.Index,
            Text = text,
            Logprobs = Logprobs(prompt, tokens),
            FinishReason = last.FinishReason?.Name(),
            StopReason = last.StopReason,
            TokenIds = request.ReturnTokenIds && (tokens.Length > 0 || isWhole) ? [.. tokens.Select(token => token.Id)] : null,
            PromptTokenIds = request.ReturnTokenIds ? prompt?.Tokens.Select(token => token.Id).ToList() : null,
            PromptLogprobs = request.PromptLogprobs is { } top && prompt is not null
                ? PromptLogprob.Of(prompt, tokenizer, top)
                : null,
        };
    }

    private CompletionLogprobs? Logprobs(EvaluatedPrompt? prompt, LocatedToken[] tokens)
    {
        if (request.Logprobs is not { } top) return null;
        LocatedToken[] all = request.Echo && prompt is not null ? [.. prompt.Tokens, .. tokens] : tokens;
        return all.Length > 0 ? CompletionLogprobs.Of(all, tokenizer, top) : null;
    }
}
