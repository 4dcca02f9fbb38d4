using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Scheduling;

/// <summary>
/// Chooses the tokens of a step: one for each sequence that generates, and from the rest chunks of prompts, shared among owners and adapters.
/// Each sequence that prefills gets a token, because there are never more running sequences than tokens in a step.
/// </summary>
/// <param name="maxTokens">Most tokens in a batch.</param>
/// <param name="maxLoras">Most different adapters that act in a batch; sequences of others wait for a later step.</param>
/// <param name="prefixes">Has computed prefixes, whose tokens are skipped.</param>
internal sealed class BatchBuilder(int maxTokens, int maxLoras, PrefixCache prefixes)
{
    private readonly AdapterTurns _turns = new(maxLoras);
    private readonly DeficitRoundRobin _tokens = new(maxTokens);
    private readonly List<AdapterFlow> _prefilling = [];
    private readonly List<BatchRow> _rows = [];
    private readonly AdapterRuns _runs = new();
    private readonly Batch _batch = new();

    /// <summary>
    /// The next batch, valid until the next call. Rows of one adapter are adjacent, in order of admission, those that generate first.
    /// </summary>
    public Batch Build(ReadOnlySpan<AdapterFlow> flows)
    {
        foreach (var flow in flows)
        {
            foreach (var sequence in flow.Running)
                prefixes.Advance(sequence);
        }

        _turns.Give(flows, maxTokens);
        Share(flows);
        _rows.Clear();
        foreach (var flow in flows) AddDecodes(flow);
        foreach (var flow in flows) AddPrefills(flow);
        _runs.Join(_rows, _batch.Rows);
        return _batch;
    }

    // Sequences that generate come first. Their tokens are charged to flows that also prefill.
    private void Share(ReadOnlySpan<AdapterFlow> flows)
    {
        _prefilling.Clear();
        var budget = maxTokens;
        foreach (var flow in flows)
        {
            var decodes = 0;
            var isPassedOver = false;
            (flow.Demand, flow.Grant) = (0, 0);
            foreach (var sequence in flow.Running)
            {
                isPassedOver |= !_turns.HasTurn(sequence);
                if (sequence.IsPrefilling)
                    flow.Demand += _turns.Computable(sequence);
                else
                    decodes += _turns.Computable(sequence);
            }

            budget -= decodes;
            if (flow.Demand > 0)
            {
                _tokens.Charge(flow, decodes);
                _prefilling.Add(flow);
            }
            else if (!isPassedOver)
            {
                flow.Deficit = 0;
            }
        }

        _tokens.Share(budget, _prefilling);
    }

    private void AddDecodes(AdapterFlow flow)
    {
        foreach (var sequence in flow.Running)
        {
            if (!sequence.IsPrefilling && _turns.Computable(sequence) > 0)
                _rows.Add(new BatchRow(sequence, sequence.ComputedTokens, 1));
        }
    }

    private void AddPrefills(AdapterFlow flow)
    {
        var first = _rows.Count;
        var left = flow.Grant;
        foreach (var sequence in flow.Running)
        {
            var count = sequence.IsPrefilling ? Math.Min(left, _turns.Computable(sequence)) : 0;
            if (count == 0 || IsUnderWay(sequence, first))
                continue;

            _rows.Add(new BatchRow(sequence, sequence.ComputedTokens, count));
            left -= count;
        }
    }

    private bool IsUnderWay(Sequence sequence, int first)
    {
        for (var i = first; i < _rows.Count; i++)
        {
            if (prefixes.IsUnderWay(sequence, _rows[i]))
                return true;
        }

        return false;
    }
}
