namespace LoraServe.Text.Tokenizers;

/// <summary>
/// Which adjacent symbols of a word can ever end up in one token. A merge across the border between two symbols joins a
/// symbol that ends with the first to one that starts with the second, so only pairs at the seam of some merge can.
/// </summary>
internal sealed class MergeSeams
{
    private const int MaxPasses = 64;

    private readonly HashSet<long> _pairs = [];
    private readonly int[] _first;
    private readonly int[] _last;
    private readonly bool _isKnown;

    public MergeSeams(IReadOnlyList<(int Left, int Right, int Result)> merges)
    {
        var count = merges.Aggregate(0, (most, merge) => Math.Max(most, Math.Max(merge.Result, Math.Max(merge.Left, merge.Right)) + 1));
        _first = [.. Enumerable.Range(0, count)];
        _last = [.. _first];
        // A merge may be listed before the merges that make its parts: repeat until every merge agrees with its parts. Merges that
        // never agree (one result, different ends) leave the seams unknown.
        for (var pass = 0; pass < MaxPasses && !_isKnown; pass++) _isKnown = !FollowEnds(merges);
        foreach (var (left, right, _) in merges) _pairs.Add(SymbolPair.Key(_last[left], _first[right]));
    }

    /// <summary>Whether two adjacent symbols, not merged yet, may end up in one.</summary>
    public bool CanMeet(int left, int right) =>
        !_isKnown || !IsUnmerged(left) || !IsUnmerged(right) || _pairs.Contains(SymbolPair.Key(left, right));

    private bool IsUnmerged(int symbol) => symbol >= _first.Length || _first[symbol] == symbol && _last[symbol] == symbol;

    private bool FollowEnds(IReadOnlyList<(int Left, int Right, int Result)> merges)
    {
        var changed = false;
        foreach (var (left, right, result) in merges)
        {
            changed |= _first[result] != _first[left] || _last[result] != _last[right];
            (_first[result], _last[result]) = (_first[left], _last[right]);
        }
        return changed;
    }
}
