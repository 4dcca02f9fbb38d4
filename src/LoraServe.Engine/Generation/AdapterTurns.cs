namespace LoraServe.Engine.Generation;

/// <summary>
/// Which adapters may act in a step where more would than one batch may hold: those whose last turn is longest ago, and of those the ones
/// that are present longest. An adapter that is new takes its place behind those that were passed over in the last step, and before those
/// that were not: with n adapters, each acts at least once in n / most steps, rounded up.
/// </summary>
/// <param name="most">Most adapters that act in a step.</param>
internal sealed class AdapterTurns(int most)
{
    private readonly List<(long LastTurn, int Order, AdapterFlow Flow)> _candidates = [];
    private long _step;

    /// <summary>Sets <see cref="AdapterFlow.HasTurn"/>, also for those that cannot come to act in this step anyway.</summary>
    /// <param name="flows">In the order in which they came.</param>
    /// <param name="maxTokens">Most tokens in the step.</param>
    public void Give(IReadOnlyList<AdapterFlow> flows, int maxTokens)
    {
        _step++;
        _candidates.Clear();
        for (var i = 0; i < flows.Count; i++)
        {
            flows[i].HasTurn = !MayAct(flows[i], maxTokens);
            if (!flows[i].HasTurn) _candidates.Add((flows[i].LastTurn ??= _step - 2, i, flows[i]));
        }

        if (_candidates.Count > most)
            _candidates.Sort((x, y) => (x.LastTurn, x.Order).CompareTo((y.LastTurn, y.Order)));
        for (var i = 0; i < Math.Min(most, _candidates.Count); i++)
            (_candidates[i].Flow.HasTurn, _candidates[i].Flow.LastTurn) = (true, _step);
    }

    private static bool MayAct(AdapterFlow flow, int maxTokens)
    {
        foreach (var sequence in flow.Running)
        {
            if (sequence.ComputedTokens + Math.Min(sequence.PendingTokens, maxTokens) > sequence.AdapterStart)
                return true;
        }

        return false;
    }
}
