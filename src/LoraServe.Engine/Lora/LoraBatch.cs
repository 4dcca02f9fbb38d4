namespace LoraServe.Engine.Lora;

/// <summary>
/// Which adapter acts on which tokens of a batch: segments of adjacent tokens, in order. Tokens outside every segment belong to the bare
/// base model and cost no LoRA work. Ranks may differ from segment to segment and are never padded.
/// </summary>
internal sealed class LoraBatch
{
    /// <summary>Joins adjacent tokens of the same adapter version into one segment and leaves out those of the base.</summary>
    /// <param name="spans">Token counts and their adapters, in the order of the batch's tokens.</param>
    public LoraBatch(IEnumerable<(int TokenCount, LoraAdapter Adapter)> spans)
    {
        var segments = new List<LoraSegment>();
        var start = 0;
        foreach (var (count, adapter) in spans)
        {
            if (adapter != LoraAdapter.Base)
            {
                if (segments.Count > 0 && segments[^1] is var last && last.Adapter == adapter && last.End == start)
                    segments[^1] = last with { Count = last.Count + count };
                else
                    segments.Add(new LoraSegment(start, count, adapter));
            }

            start += count;
        }

        Segments = segments;
    }

    /// <summary>The segments that need LoRA work, by ascending start.</summary>
    public IReadOnlyList<LoraSegment> Segments { get; }

    /// <summary>The same adapters over a selection of the batch's tokens, in the order of the selection.</summary>
    /// <param name="tokens">Indices of tokens of this batch, ascending.</param>
    public LoraBatch Select(IReadOnlyList<int> tokens)
    {
        var segment = 0;
        return new LoraBatch(tokens.Select(token =>
        {
            while (segment < Segments.Count && Segments[segment].End <= token) segment++;
            var covered = segment < Segments.Count && Segments[segment].Start <= token;
            return (1, covered ? Segments[segment].Adapter : LoraAdapter.Base);
        }));
    }
}

/// <summary>Tokens [Start, Start + Count) of a batch run on one adapter.</summary>
internal readonly record struct LoraSegment(int Start, int Count, LoraAdapter Adapter)
{
    /// <summary>The first token after the segment.</summary>
    public int End => Start + Count;
}
