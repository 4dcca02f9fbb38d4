namespace LoraServe.Engine.Lora;

/// <summary>
/// Which adapter acts on which tokens of a batch: segments of adjacent tokens, in order. Tokens outside every segment belong to the bare
/// base model and cost no LoRA work. Ranks may differ from segment to segment and are never padded.
/// </summary>
internal sealed class LoraBatch
{
    private readonly List<LoraSegment> _segments = [];
    private int _tokens;

    /// <param name="spans">Token counts and their adapters, in the order of the batch's tokens; see <see cref="Add"/>.</param>
    public LoraBatch(params IEnumerable<(int TokenCount, LoraAdapter Adapter)> spans)
    {
        foreach (var (count, adapter) in spans) Add(count, adapter);
    }

    /// <summary>The segments that need LoRA work, by ascending start.</summary>
    public IReadOnlyList<LoraSegment> Segments => _segments;

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        _segments.Clear();
        _tokens = 0;
    }

    /// <summary>
    /// Appends tokens of one adapter, or of the base. Adjacent tokens of the same adapter version become one segment, and those of the base none.
    /// </summary>
    public void Add(int count, LoraAdapter adapter)
    {
        if (adapter != LoraAdapter.Base && count > 0)
        {
            if (_segments.Count > 0 && _segments[^1] is var last && last.Adapter == adapter && last.End == _tokens)
                _segments[^1] = last with { Count = last.Count + count };
            else
                _segments.Add(new LoraSegment(_tokens, count, adapter));
        }

        _tokens += count;
    }

    /// <summary>Becomes the same adapters over a selection of another batch's tokens, in the order of the selection.</summary>
    /// <param name="other">The other batch.</param>
    /// <param name="tokens">Indices of its tokens, ascending.</param>
    /// <param name="first">The first index to take.</param>
    /// <param name="count">How many.</param>
    public void Take(LoraBatch other, IReadOnlyList<int> tokens, int first, int count)
    {
        Clear();
        var segment = 0;
        for (var i = first; i < first + count; i++)
        {
            while (segment < other._segments.Count && other._segments[segment].End <= tokens[i]) segment++;
            var covered = segment < other._segments.Count && other._segments[segment].Start <= tokens[i];
            Add(1, covered ? other._segments[segment].Adapter : LoraAdapter.Base);
        }
    }
}

/// <summary>Tokens [Start, Start + Count) of a batch run on one adapter.</summary>
internal readonly record struct LoraSegment(int Start, int Count, LoraAdapter Adapter)
{
    /// <summary>The first token after the segment.</summary>
    public int End => Start + Count;
}
