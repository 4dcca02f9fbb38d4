namespace LoraServe.Text.Tokenizers;

/// <summary>The merges of a byte pair encoding: which pairs of adjacent symbols become one, and in which order. Immutable.</summary>
internal sealed class MergeRules
{
    private const int ShortRun = 32;

    private readonly Dictionary<long, Merge> _merges = [];

    private readonly MergeSeams _seams;

    /// <param name="merges">left, right and result, highest priority first; of two for the same pair the last wins</param>
    public MergeRules(IReadOnlyList<(int Left, int Right, int Result)> merges)
    {
        for (var rank = 0; rank < merges.Count; rank++)
            _merges[SymbolPair.Key(merges[rank].Left, merges[rank].Right)] = new Merge(rank, merges[rank].Result);
        _seams = new MergeSeams(merges);
    }

    /// <param name="Rank">the position in the list of merges: lower goes first</param>
    /// <param name="Result">the id of the merged symbol</param>
    private readonly record struct Merge(int Rank, int Result)
    {
        public static readonly Merge None = new(int.MaxValue, -1);
    }

    /// <summary>Merges symbols in place until no merge applies, and returns the number left.</summary>
    public int Apply(Span<int> symbols)
    {
        var count = 0;
        for (int start = 0, end = 1; start < symbols.Length; start = end++)
        {
            // Cut first where no merge can ever join two symbols: the runs are short, even in a long text without pre-tokenization.
            while (end < symbols.Length && _seams.CanMeet(symbols[end - 1], symbols[end])) end++;
            var run = symbols[start..end];
            var kept = run.Length <= ShortRun ? MergeShortRun(run) : MergeLongRun(run);
            run[..kept].CopyTo(symbols[count..]);
            count += kept;
        }
        return count;
    }

    /// <summary>Searches for the best merge after each merge: O(n²), but for few symbols several times faster than a queue.</summary>
    private int MergeShortRun(Span<int> symbols)
    {
        Span<Merge> merges = stackalloc Merge[ShortRun];
        for (var i = 0; i < symbols.Length - 1; i++) merges[i] = Find(symbols[i], symbols[i + 1]);
        for (var count = symbols.Length; ; count--)
        {
            var best = Merge.None;
            var at = -1;
            for (var i = 0; i < count - 1; i++)
            {
                if (merges[i].Rank < best.Rank) (best, at) = (merges[i], i);
            }
            if (at < 0) return count;
            symbols[at] = best.Result;
            symbols[(at + 2)..count].CopyTo(symbols[(at + 1)..]);
            merges[(at + 1)..(count - 1)].CopyTo(merges[at..]);
            if (at > 0) merges[at - 1] = Find(symbols[at - 1], symbols[at]);
            if (at < count - 2) merges[at] = Find(symbols[at], symbols[at + 1]);
        }
    }

    private Merge Find(int left, int right) => _merges.GetValueOrDefault(SymbolPair.Key(left, right), Merge.None);

    /// <summary>
    /// The symbols as a doubly linked list, the possible merges in a priority queue: the best rank first, of equal ranks the
    /// leftmost. O(n log n).
    /// </summary>
    private int MergeLongRun(Span<int> symbols)
    {
        const int Gone = -1;
        var previous = new int[symbols.Length];
        var next = new int[symbols.Length];
        var queue = new PriorityQueue<int, long>();
        for (var i = 0; i < symbols.Length; i++)
        {
            (previous[i], next[i]) = (i - 1, i + 1);
            if (i > 0) Enqueue(queue, symbols, i - 1, i);
        }
        while (queue.TryDequeue(out var result, out var priority))
        {
            var left = (int)(priority & int.MaxValue);
            var right = next[left];
            // An entry is stale if its symbols were merged with others since, unless they now merge to the same result.
            if (symbols[left] == Gone || right == symbols.Length) continue;
            if (!_merges.TryGetValue(SymbolPair.Key(symbols[left], symbols[right]), out var merge) || merge.Result != result) continue;
            symbols[left] = result;
            symbols[right] = Gone;
            next[left] = next[right];
            if (next[left] < symbols.Length)
            {
                previous[next[left]] = left;
                Enqueue(queue, symbols, left, next[left]);
            }
            if (previous[left] >= 0) Enqueue(queue, symbols, previous[left], left);
        }
        var count = 0;
        for (var i = 0; i < symbols.Length; i = next[i]) symbols[count++] = symbols[i];
        return count;
    }

    private void Enqueue(PriorityQueue<int, long> queue, ReadOnlySpan<int> symbols, int left, int right)
    {
        if (_merges.TryGetValue(SymbolPair.Key(symbols[left], symbols[right]), out var merge))
            queue.Enqueue(merge.Result, (long)merge.Rank << 31 | (long)left);
    }
}
