using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Generation;

/// <summary>What one token adds to a choice. Completions, chat and comparisons turn it into their own shapes.</summary>
internal sealed record ChoicePart
{
    /// <summary>The choice's place among the choices of its run.</summary>
    public required int Index { get; init; }

    /// <summary>Text that is certain now: without the beginning of a stop string, or of a character that is not complete.</summary>
    public required string Text { get; init; }

    /// <summary>The prompt, in the choice's first part, where the request wants something of it.</summary>
    public EvaluatedPrompt? Prompt { get; init; }

    /// <summary>The token that was generated; null in the prompt's part and where a choice of no tokens ends.</summary>
    public LocatedToken? Token { get; init; }

    /// <summary>Why the choice ends with this part; null where it goes on.</summary>
    public FinishReason? FinishReason { get; init; }

    /// <summary>The stop string or the id of stop_token_ids that ended it.</summary>
    public object? StopReason { get; init; }
}

/// <summary>A token, its log-probabilities where they were asked for, and where its text begins.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Logprobs">Null where they were not asked for, and for the first token of a prompt.</param>
/// <param name="Offset">In code points from the beginning of the text, an echoed prompt included.</param>
internal readonly record struct LocatedToken(int Id, TokenLogprobs? Logprobs, int Offset);

/// <summary>A prompt after the model has read it.</summary>
/// <param name="Text">Its text; empty where the request does not echo it.</param>
/// <param name="Tokens">Its tokens, located in the text where that is echoed.</param>
internal sealed record EvaluatedPrompt(string Text, IReadOnlyList<LocatedToken> Tokens);
