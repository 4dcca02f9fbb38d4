namespace LoraServe.Engine.Scheduling;

/// <summary>
/// Shares the tokens of a step among flows by deficit round robin (Shreedhar and Varghese 1996). Those that want tokens stand in a ring;
/// each visit credits a quantum for the adapter's weight, an adapter takes tokens while it has credit, keeps what is left while it still
/// wants some, and the next step goes on where this one stopped. So of two adapters that want tokens all the time, neither gets ahead of its
/// weight by more than a quantum, one step's tokens that it was charged for, and the token that everybody gets.
/// </summary>
/// <param name="maxTokens">Most tokens in a step.</param>
internal sealed class DeficitRoundRobin(int maxTokens)
{
    // Small beside a step, so that a few adapters share each step evenly, and large enough for few visits.
    private readonly int _quantum = Math.Max(1, maxTokens / 32);
    private readonly HashSet<AdapterFlow> _wanting = [];
    private Queue<AdapterFlow> _ring = [];

    /// <summary>
    /// Sets the grants of flows for their demands: everybody gets a token, so that nobody stands still, and together they get as much as the
    /// budget and the demands allow.
    /// </summary>
    /// <param name="budget">At least one for each flow.</param>
    /// <param name="flows">All that want tokens in this step.</param>
    public void Share(int budget, IReadOnlyList<AdapterFlow> flows)
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
            flow.Deficit += _quantum * flow.Weight / heaviest;
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
    /// Takes tokens off an adapter's credit that it gets outside of the ring. No debt is higher than a step's tokens, so that each is paid
    /// off in a bounded time.
    /// </summary>
    public void Charge(AdapterFlow flow, int tokens) => flow.Deficit = Math.Max(flow.Deficit - tokens, -maxTokens);

    // Keeps the order of those that are in the ring and still want tokens; new ones come last.
    private void Join(IReadOnlyList<AdapterFlow> flows)
    {
        _wanting.Clear();
        _wanting.UnionWith(flows);
        var ring = new Queue<AdapterFlow>(flows.Count);
        foreach (var flow in _ring)
        {
            if (_wanting.Remove(flow)) ring.Enqueue(flow);
        }

        foreach (var flow in flows)
        {
            if (_wanting.Contains(flow)) ring.Enqueue(flow);
        }

        _ring = ring;
    }

    private double Heaviest()
    {
        var heaviest = 0.0;
        foreach (var flow in _ring)
            heaviest = Math.Max(heaviest, flow.Weight);
        return heaviest;
    }
}
