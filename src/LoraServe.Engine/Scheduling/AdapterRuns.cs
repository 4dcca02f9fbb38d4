using System.Runtime.InteropServices;

namespace LoraServe.Engine.Scheduling;

/// <summary>
/// Orders rows so that those of one adapter version are adjacent: a counting sort, by the order in which the versions come first. Reuses its
/// memory: not thread-safe.
/// </summary>
internal sealed class AdapterRuns
{
    private readonly Dictionary<AdapterVersionId, int> _runs = [];
    private readonly List<int> _runOf = []; // by row
    private readonly List<int> _next = []; // by run: first its rows, then the place of its next row

    /// <summary>Replaces what is in <paramref name="into"/> by the rows; those of one version keep their order.</summary>
    public void Join(List<BatchRow> rows, List<BatchRow> into)
    {
        Count(rows);
        var place = 0;
        foreach (ref var next in CollectionsMarshal.AsSpan(_next)) (next, place) = (place, place + next);
        CollectionsMarshal.SetCount(into, rows.Count);
        for (var i = 0; i < rows.Count; i++) into[_next[_runOf[i]]++] = rows[i];
    }

    private void Count(List<BatchRow> rows)
    {
        _runs.Clear();
        _runOf.Clear();
        _next.Clear();
        foreach (var row in rows)
        {
            if (!_runs.TryGetValue(row.Sequence.AdapterVersion, out var run))
            {
                _runs.Add(row.Sequence.AdapterVersion, run = _next.Count);
                _next.Add(0);
            }

            _runOf.Add(run);
            _next[run]++;
        }
    }
}
