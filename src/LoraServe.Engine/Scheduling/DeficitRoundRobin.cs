namespace LoraServe.Engine.Scheduling;

/// <summary>
/// Shares the tokens of a step among flows by deficit round robin (Shreedhar and Varghese 1996). Flows with demand are visited in a
/// ring; each visit credits a quantum in proportion to the flow's share, a flow takes tokens while it has credit, keeps its credit while it has
/// demand, and the next step goes on where this one stopped. So of two flows with lasting demand, neither gets ahead of its share by more than
/// a quantum, one step's tokens that it was charged for, and the token that each flow gets.
/// </summary>
/// <param name="maxTokens">Most tokens in a step.</param>
internal sealed class DeficitRoundRobin(int maxTokens)
{
    // Small beside a step, so that a few adapters share each step evenly, and large enough for few visits. A guess, not measured.
    private readonly int _quantum = Math.Max(1, maxTokens / 32);
    private readonly HashSet<AdapterFlow> _wanting = [];
    private Queue<AdapterFlow> _ring = [];
    private Queue<AdapterFlow> _joining = []; // the next ring, while it is put together

    /// <summary>
    /// Sets the grants of flows: each gets a token, so that none stands still, and together they get as much as budget and demands allow.
    /// </summary>
    /// <param name="budget">At least one for each flow.</param>
    /// <param name="flows">All with a demand in this step.</param>
    public void Share(int budget, List<AdapterFlow> flows)
    {
        Join(flows);
        foreach (var flow in flows)
        {
            flow.Grant = 1;
            Charge(flow, 1);
        }

        budget -= flows.Count;
        var heaviest = Heaviest();
        while (budget > 0 && _ring.TryDequeue(out var flow))
        {
            flow.Deficit += _quantum * flow.EngineShare / heaviest;
            var tokens = Math.Min(Math.Min(budget, flow.Demand - flow.Grant), (int)Math.Max(0, flow.Deficit));
            flow.Grant += tokens;
            flow.Deficit -= tokens;
            budget -= tokens;
            if (flow.Grant < flow.Demand)
            {
                _ring.Enqueue(flow);
                continue;
            }

            flow.Deficit = 0;
            heaviest = Heaviest();
        }
    }

    /// <summary>
    /// Deducts tokens that a flow gets outside of the ring from its credit. A debt is at most a step's tokens, so that it is paid off in bounded
    /// time.
    /// </summary>
    public void Charge(AdapterFlow flow, int tokens) => flow.Deficit = Math.Max(flow.Deficit - tokens, -maxTokens);

    // Flows that still have a demand keep their order; new ones come last.
    private void Join(List<AdapterFlow> flows)
    {
        _wanting.Clear();
        foreach (var flow in flows) _wanting.Add(flow);
        foreach (var flow in _ring)
        {
            if (_wanting.Remove(flow)) _joining.Enqueue(flow);
        }

        foreach (var flow in flows)
        {
            if (_wanting.Contains(flow)) _joining.Enqueue(flow);
        }

        _ring.Clear();
        (_ring, _joining) = (_joining, _ring);
    }

    private double Heaviest()
    {
        var heaviest = 0.0;
        foreach (var flow in _ring)
            heaviest = Math.Max(heaviest, flow.EngineShare);
        return heaviest;
    }
}
