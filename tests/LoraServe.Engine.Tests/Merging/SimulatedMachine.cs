using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Merging;

namespace LoraServe.Engine.Tests.Merging;

/// <summary>A machine of known costs that does what a controller decides, in simulated time.</summary>
/// <param name="slots">How many adapters can be merged at once.</param>
internal sealed class SimulatedMachine(int slots)
{
    private const double BaseMilliseconds = 30;
    private const double MergeMilliseconds = 40;
    private const int Bytes = 200_000_000;

    private readonly Dictionary<string, TimeSpan> _slots = [];
    private int _steps;

    public MergeController Controller { get; } = new();

    /// <summary>What an adapter beside the base adds to a step.</summary>
    public double AdapterMilliseconds { get; init; } = 9;

    /// <summary>Makes steps longer at random by up to half; null: not.</summary>
    public Random? Noise { get; init; }

    public List<string> Merges { get; } = [];

    public IReadOnlyCollection<string> Slots => _slots.Keys;

    public int FirstMergeAt { get; private set; }

    public bool LastUsedSlots { get; private set; }

    /// <summary>Milliseconds of all steps and merges.</summary>
    public double Spent { get; private set; }

    /// <summary>Milliseconds of the same steps with the adapters beside the base.</summary>
    public double SpentWithoutMerging { get; private set; }

    public TimeSpan Now => TimeSpan.FromMilliseconds(Spent);

    /// <summary>Runs decode steps, each with a row for each of the names.</summary>
    public void Run(IEnumerable<string[]> batches)
    {
        foreach (var names in batches) Step(names);
    }

    private void Step(string[] names)
    {
        var adapters = names.Where(name => name != "base").Select(name => new AdapterLoad(new AdapterVersionId(name), 16, MergeMode.Auto, _slots.ContainsKey(name))).ToList();
        var load = new StepLoad(names.Length, names.Length * 100, names.Contains("base"), adapters);
        LastUsedSlots = Controller.UsesSlots(load);
        var noise = Noise is null ? 1 : 1 + (Noise.NextDouble() / 2);
        var milliseconds = Cost(load, adapter => LastUsedSlots && adapter.HasSlot) * noise;
        SpentWithoutMerging += Cost(load, _ => false) * noise;
        Spent += milliseconds;
        _steps++;
        Controller.ObserveStep(load, LastUsedSlots, milliseconds, Now);
        foreach (var adapter in adapters)
        {
            if (adapter.HasSlot && LastUsedSlots) _slots[adapter.Version.Value] = Now;
            if (!adapter.HasSlot) MergeIfWorthIt(adapter.Version.Value);
        }

        foreach (var (name, lastUse) in _slots.ToList())
        {
            if (Controller.IsIdle(new AdapterVersionId(name), Bytes, lastUse, Now)) _slots.Remove(name);
        }
    }

    private double Cost(StepLoad load, Predicate<AdapterLoad> isMerged)
    {
        var merged = load.Adapters.Count(adapter => isMerged(adapter));
        var beside = load.Adapters.Count - merged;
        return (BaseMilliseconds * (merged + (load.HasBase || beside > 0 ? 1 : 0))) + (AdapterMilliseconds * beside);
    }

    private void MergeIfWorthIt(string name)
    {
        var victim = _slots.Count < slots ? null : _slots.Keys.MinBy(slot => Controller.Saving(new AdapterVersionId(slot), Now));
        var lost = victim is null ? 0 : Controller.Saving(new AdapterVersionId(victim), Now);
        if (Controller.Saving(new AdapterVersionId(name), Now) <= Controller.Price(Bytes, lost)) return;
        if (victim is not null) _slots.Remove(victim);
        Spent += MergeMilliseconds;
        Controller.ObserveMerge(Bytes, MergeMilliseconds);
        _slots[name] = Now;
        Merges.Add(name);
        if (Merges.Count == 1) FirstMergeAt = _steps;
    }
}
