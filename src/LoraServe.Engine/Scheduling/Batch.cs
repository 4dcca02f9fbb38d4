using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Scheduling;

/// <summary>The tokens [Start, Start + Count) of a sequence, computed in one step.</summary>
internal readonly record struct BatchRow(Sequence Sequence, int Start, int Count)
{
    /// <summary>Whether its adapter acts on any of its tokens.</summary>
    public bool IsAdapted => Start + Count > Sequence.AdapterStart;

    /// <summary>Whether the row ends with the last known token, so that its last logits choose the next one.</summary>
    public bool SamplesToken => Start + Count == Sequence.Tokens.Length && Sequence.Request.Sampling.MaxTokens > 0;

    /// <summary>
    /// Tokens of the prompt whose log-probabilities this row's logits tell: the logits at position i tell those of token i + 1. None where
    /// the prompt is computed again.
    /// </summary>
    public int PromptLogprobCount =>
        Sequence.Request.Sampling.PromptLogprobs is null || Sequence.GeneratedCount > 0
            ? 0
            : Math.Max(0, Math.Min(Start + Count, Sequence.PromptLength - 1) - Start);

    /// <summary>How many of the row's positions need logits: the last ones.</summary>
    public int LogitsCount => PromptLogprobCount > 0 ? Count : SamplesToken ? 1 : 0;
}

/// <summary>What one step of the engine computes. Rows of one adapter version are adjacent.</summary>
internal sealed class Batch(params IEnumerable<BatchRow> rows)
{
    /// <summary>The rows. A list of its own type, which is enumerated without garbage, and which the next step refills.</summary>
    public List<BatchRow> Rows { get; } = [.. rows];

    /// <summary>Tokens of all rows together.</summary>
    public int TokenCount
    {
        get
        {
            var count = 0;
            foreach (var row in Rows) count += row.Count;
            return count;
        }
    }
}
