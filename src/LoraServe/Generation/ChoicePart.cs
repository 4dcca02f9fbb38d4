using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Generation;

/// <summary>What one token adds to a choice. Completions, chat and comparisons turn it into their own shapes.</summary>
internal sealed record ChoicePart
{
    /// <summary>The choice's index among the choices of its run.</summary>
    public required int Index { get; init; }

    /// <summary>Text that is final: without a possible start of a stop string, or an incomplete character.</summary>
    public required string Text { get; init; }

    /// <summary>The prompt, in the choice's first part, if the request wants anything of it.</summary>
    public EvaluatedPrompt? Prompt { get; init; }

    /// <summary>The generated token; null in the prompt's part and at the end of a choice without tokens.</summary>
    public LocatedToken? Token { get; init; }

    /// <summary>Why the choice ends with this part; null if it continues.</summary>
    public FinishReason? FinishReason { get; init; }

    /// <summary>The stop string or the id of stop_token_ids that ended it.</summary>
    public object? StopReason { get; init; }
}

/// <summary>A token, its log-probabilities if requested, and the offset of its text.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Logprobs">Null if not requested, and for the first token of a prompt.</param>
/// <param name="Offset">In code points from the start of the text, including an echoed prompt.</param>
internal readonly record struct LocatedToken(int Id, TokenLogprobs? Logprobs, int Offset);

/// <summary>A prompt after the model has read it.</summary>
/// <param name="Text">Its text; empty if the request does not echo it.</param>
/// <param name="Tokens">Its tokens, with offsets if it is echoed.</param>
internal sealed record EvaluatedPrompt(string Text, IReadOnlyList<LocatedToken> Tokens);
