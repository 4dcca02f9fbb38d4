using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Scheduling;

/// <summary>
/// Which adapters act in a step where there are more than one batch may hold: those whose last turn is longest ago, and among equals those that
/// run longest. A new adapter comes after those that were passed over in the last step and before those that were not. So with n adapters,
/// each acts at least once in n / most steps, rounded up.
/// </summary>
/// <param name="most">Most adapters that act in a step.</param>
internal sealed class AdapterTurns(int most)
{
    private readonly Dictionary<AdapterVersionId, Turn> _turns = [];
    private readonly List<Turn> _candidates = [];
    private long _step;

    /// <summary>Chooses the adapters of the next step, among those of sequences that run.</summary>
    /// <param name="flows">In the order in which they came.</param>
    /// <param name="maxTokens">Most tokens in the step.</param>
    public void Give(ReadOnlySpan<AdapterFlow> flows, int maxTokens)
    {
        _step++;
        _candidates.Clear();
        foreach (var flow in flows)
        {
            foreach (var sequence in flow.Running) See(sequence, maxTokens);
        }

        foreach (var (version, turn) in _turns)
        {
            if (turn.LastSeen != _step) _turns.Remove(version);
        }

        if (_candidates.Count > most)
            _candidates.Sort(static (x, y) => (x.LastTurn, x.Order).CompareTo((y.LastTurn, y.Order)));
        for (var i = 0; i < Math.Min(most, _candidates.Count); i++)
            (_candidates[i].IsGiven, _candidates[i].LastTurn) = (true, _step);
    }

    /// <summary>Whether the adapter of a running sequence may act in the step, or has no tokens to act on.</summary>
    public bool HasTurn(Sequence sequence) => _turns[sequence.AdapterVersion].IsGiven;

    /// <summary>How many of a sequence's pending tokens the step may compute: without a turn, only those on which no adapter acts.</summary>
    public int Computable(Sequence sequence) => HasTurn(sequence)
        ? sequence.PendingTokens
        : Math.Max(0, Math.Min(sequence.PendingTokens, sequence.AdapterStart - sequence.ComputedTokens));

    private void See(Sequence sequence, int maxTokens)
    {
        if (!_turns.TryGetValue(sequence.AdapterVersion, out var turn))
            _turns.Add(sequence.AdapterVersion, turn = new Turn { LastTurn = _step - 2 });
        if (turn.LastSeen != _step) (turn.LastSeen, turn.IsGiven) = (_step, true);
        if (!turn.IsGiven || !MayAct(sequence, maxTokens)) return;
        (turn.IsGiven, turn.Order) = (false, _candidates.Count);
        _candidates.Add(turn);
    }

    private static bool MayAct(Sequence sequence, int maxTokens) =>
        sequence.ComputedTokens + Math.Min(sequence.PendingTokens, maxTokens) > sequence.AdapterStart;

    private sealed class Turn
    {
        public long LastSeen { get; set; }

        // The last step whose batch had room for the adapter.
        public required long LastTurn { get; set; }

        public bool IsGiven { get; set; }

        public int Order { get; set; }
    }
}
