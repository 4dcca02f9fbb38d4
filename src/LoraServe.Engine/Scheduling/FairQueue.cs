using System.Runtime.InteropServices;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Scheduling;

/// <summary>
/// All sequences by owner and adapter version (<see cref="FlowKey"/>), and the next one to run. Places and KV blocks are scarce, and shared by
/// dominant resource fairness (Ghodsi et al. 2011): the next place goes to the waiting flow whose dominant resource, relative to its share, is
/// the least, and to the earlier arrival among equals; within a flow, arrival alone decides.
/// </summary>
/// <param name="places">Most running sequences.</param>
/// <param name="blocks">KV blocks.</param>
internal sealed class FairQueue(int places, int blocks)
{
    private readonly Dictionary<FlowKey, AdapterFlow> _byKey = [];
    private readonly Dictionary<long, Sequence> _sequences = [];
    private readonly List<AdapterFlow> _flows = [];
    private IReadOnlyList<string>? _runningAdapters;
    private IReadOnlyList<string>? _waitingAdapters;

    /// <summary>Flows that have a sequence, in the order in which they came; valid until a sequence comes or goes.</summary>
    public ReadOnlySpan<AdapterFlow> Flows => CollectionsMarshal.AsSpan(_flows);

    /// <summary>Sequences that were admitted and have not ended.</summary>
    public int Running { get; private set; }

    /// <summary>Sequences that wait.</summary>
    public int Waiting => _sequences.Count - Running;

    /// <summary>Names of the adapters of running sequences, as requested, each once; the same list until a sequence comes or goes.</summary>
    public IReadOnlyList<string> RunningAdapters => _runningAdapters ??= Names(_flows.SelectMany(flow => flow.Running));

    /// <summary>The same for waiting sequences.</summary>
    public IReadOnlyList<string> WaitingAdapters => _waitingAdapters ??= Names(_flows.SelectMany(flow => flow.Waiting));

    /// <summary>Adds a sequence, which waits.</summary>
    /// <exception cref="ArgumentException">The share of its adapter is not a number above 0.</exception>
    public void Enqueue(Sequence sequence)
    {
        var share = sequence.Adapter.EngineShare;
        if (!(share > 0 && double.IsFinite(share)))
            throw new ArgumentException($"The share of adapter {sequence.Adapter.Name} has to be above 0, found {share}.", nameof(sequence));

        if (!_byKey.TryGetValue(sequence.Flow, out var flow))
        {
            flow = new AdapterFlow();
            _byKey.Add(sequence.Flow, flow);
            _flows.Add(flow);
        }

        flow.EngineShare = share; // the latest one known
        _sequences.Add(sequence.Id, sequence);
        flow.Waiting.Add(sequence);
        Change();
    }

    /// <summary>A sequence that waits or runs; null if it does neither.</summary>
    public Sequence? Find(long id) => _sequences.GetValueOrDefault(id);

    /// <summary>Any sequence; null if there is none.</summary>
    public Sequence? Any() => _sequences.Values.FirstOrDefault();

    /// <summary>The next sequence to admit; null if none waits.</summary>
    public Sequence? Next()
    {
        Sequence? next = null;
        var least = double.PositiveInfinity;
        foreach (var flow in _flows)
        {
            if (flow.Waiting.Min is not { } first)
                continue;

            var share = Share(flow);
            if (share < least || (share == least && first.Arrival < next!.Arrival))
                (next, least) = (first, share);
        }

        return next;
    }

    /// <summary>
    /// The sequence to preempt for another one: the youngest of the flow that, without it, still holds most relative to its share, and no less
    /// than the other's flow then holds, so that no preemption is undone by another. Null where there is none.
    /// </summary>
    /// <param name="next">The other one.</param>
    /// <param name="needed">The KV blocks that it needs.</param>
    public Sequence? VictimFor(Sequence next, long needed)
    {
        var gaining = _byKey[next.Flow];
        var least = Share(gaining, 1, needed);
        Sequence? victim = null;
        foreach (var flow in _flows)
        {
            if (flow == gaining || flow.Running.Count == 0)
                continue;

            var youngest = flow.Running[^1];
            var left = Share(flow, -1, -youngest.Blocks.Count);
            if (left >= least)
                (victim, least) = (youngest, left);
        }

        return victim;
    }

    /// <summary>The youngest running sequence of the flow that holds most relative to its share; among equals, the latest arrival.</summary>
    /// <exception cref="InvalidOperationException">Nothing runs.</exception>
    public Sequence YoungestOfLargest() => _flows
        .Where(flow => flow.Running.Count > 0)
        .MaxBy(flow => (Share(flow), flow.Running[^1].Arrival))?.Running[^1] ?? throw new InvalidOperationException("Nothing runs.");

    /// <summary>Moves a sequence from the waiting ones to the running ones.</summary>
    public void Admit(Sequence sequence)
    {
        var flow = _byKey[sequence.Flow];
        flow.Waiting.Remove(sequence);
        flow.Running.Add(sequence);
        Running++;
        Change();
    }

    /// <summary>Moves a running sequence back to its place among the waiting ones.</summary>
    public void Preempt(Sequence sequence)
    {
        var flow = _byKey[sequence.Flow];
        flow.Running.Remove(sequence);
        flow.Waiting.Add(sequence);
        Running--;
        Change();
    }

    /// <summary>Removes a sequence; does nothing where it was removed before.</summary>
    public void Remove(Sequence sequence)
    {
        if (!_sequences.Remove(sequence.Id))
            return;

        Change();
        var flow = _byKey[sequence.Flow];
        if (!flow.Waiting.Remove(sequence))
        {
            flow.Running.Remove(sequence);
            Running--;
        }

        if (flow.Waiting.Count + flow.Running.Count > 0)
            return;

        _byKey.Remove(sequence.Flow);
        _flows.Remove(flow);
    }

    private void Change() => (_runningAdapters, _waitingAdapters) = (null, null);

    private static List<string> Names(IEnumerable<Sequence> sequences) =>
        [.. sequences.Where(sequence => !sequence.Request.Adapter.IsBase).Select(sequence => sequence.Request.Adapter.Name).Distinct()];

    // A flow's part of its dominant resource, relative to its share, if it held that many more sequences and blocks.
    private double Share(AdapterFlow flow, int moreSequences = 0, long moreBlocks = 0)
    {
        var held = moreBlocks;
        foreach (var sequence in flow.Running)
            held += sequence.Blocks.Count;
        return Math.Max((double)(flow.Running.Count + moreSequences) / places, (double)held / blocks) / flow.EngineShare;
    }
}
