using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Merging;

/// <summary>
/// Decides which adapters run on merged weights, from what steps and merges cost on this machine. It is told of both with the time, and
/// knows neither clock nor tensors, so that the same observations lead to the same decisions.
/// <para>
/// Merging is a case of renting or buying (ski rental, Karlin et al. 1988): each unmerged step pays a little rent, a merge is bought once. To
/// buy when the rent paid lately exceeds the price costs at most a small multiple of what foresight would have cost, whatever comes.
/// </para>
/// </summary>
internal sealed class MergeController
{
    // A merge is worth it when its saving is so many times what it costs, in time and in other slots; a slot stays until its saving falls
    // below this part of the time.
    private const double MergeAt = 1.5;
    private const double DropBelow = 0.1;

    // Memory that nobody needs is given back after this time; to take it away sooner would only cost another merge.
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(60);

    // A plan that was not measured lately is tried when it might be faster, for the price of one step.
    private const double Optimism = 0.75;

    // Until one is measured, a merge is taken to write so many bytes a millisecond.
    private const double BytesPerMillisecond = 4e6;
    private const double MergeWeight = 0.3;

    // Versions that are remembered; those that nobody used lately go first.
    private const int MaxDemands = 512;

    private readonly StepCosts _costs = new();
    private readonly Dictionary<string, AdapterDemand> _demands = new(StringComparer.Ordinal);
    private double _millisecondsPerByte = 1 / BytesPerMillisecond;
    private bool _hasMerged;

    /// <summary>Whether a step is faster when the adapters of mode auto that have a slot run on it.</summary>
    public bool UsesSlots(StepLoad load)
    {
        var (slots, beside) = (Shape(load, usesSlots: true), Shape(load, usesSlots: false));
        // One set of weights and nothing beside it is a step of the base: no other is faster.
        return slots == slots.Alone || Promise(slots) < Promise(beside);
    }

    /// <summary>Takes note of a step that was run.</summary>
    /// <param name="load">What it computed.</param>
    /// <param name="usesSlots">What was decided about it.</param>
    /// <param name="milliseconds">How long it took.</param>
    /// <param name="now">Time since the engine's start.</param>
    public void ObserveStep(StepLoad load, bool usesSlots, double milliseconds, TimeSpan now)
    {
        var shape = Shape(load, usesSlots);
        _costs.Observe(shape, milliseconds, now);
        foreach (var adapter in load.Adapters.Where(adapter => adapter.Mode != MergeMode.Unmerged))
        {
            var unmerged = _costs.Estimate(load.Shape(other => other != adapter && IsMerged(other, usesSlots)));
            var merged = _costs.Estimate(load.Shape(other => other == adapter || IsMerged(other, usesSlots)));
            DemandFor(adapter.Version, now)
                .Add(unmerged, Math.Min(unmerged, merged), _costs.Estimate(shape.Alone), load is { HasBase: false, Adapters.Count: 1 }, now);
        }
    }

    /// <summary>Takes note of a merge.</summary>
    public void ObserveMerge(long bytes, double milliseconds)
    {
        if (bytes == 0) return;
        // The first merge of a process takes many times as long as any later one: its code and its memory are new.
        if (_hasMerged) _millisecondsPerByte += MergeWeight * ((milliseconds / bytes) - _millisecondsPerByte);
        _hasMerged = true;
    }

    /// <summary>Milliseconds that a merge of so many bytes takes.</summary>
    public double MergeMilliseconds(long bytes) => bytes * _millisecondsPerByte;

    /// <summary>Milliseconds that a slot of this version is expected to save.</summary>
    public double Saving(string version, TimeSpan now) => Demand(version, now).Saving;

    /// <summary>Milliseconds that a slot has to save to be worth its merge.</summary>
    /// <param name="bytes">Of the slot.</param>
    /// <param name="lost">Milliseconds that the slots save that have to go for it.</param>
    public double Price(long bytes, double lost) => MergeAt * (MergeMilliseconds(bytes) + lost);

    /// <summary>Whether a slot saves so little that its memory is better given back.</summary>
    public bool IsIdle(string version, long bytes, TimeSpan lastUse, TimeSpan now) =>
        now - lastUse > IdleTime && Saving(version, now) < DropBelow * MergeMilliseconds(bytes);

    /// <summary>Forgets the demand for a version, which has to be seen again before it is merged.</summary>
    public void Forget(string version) => _demands.Remove(version);

    /// <summary>The demand for a version up to now, all zero where it was not used.</summary>
    public AdapterDemand Demand(string version, TimeSpan now)
    {
        if (!_demands.TryGetValue(version, out var demand)) return new AdapterDemand();
        demand.Fade(now);
        return demand;
    }

    /// <summary>Versions whose demand is known.</summary>
    public IReadOnlyCollection<string> Versions => _demands.Keys;

    /// <summary>Whether an adapter's rows run on merged weights, where auto does so with or without its slot.</summary>
    public static bool IsMerged(AdapterLoad adapter, bool usesSlots) =>
        adapter.Mode == MergeMode.Merged || (adapter is { Mode: MergeMode.Auto, HasSlot: true } && usesSlots);

    private static StepShape Shape(StepLoad load, bool usesSlots) => load.Shape(adapter => IsMerged(adapter, usesSlots));

    private double Promise(StepShape shape) => _costs.Estimate(shape) * (_costs.IsKnown(shape) ? 1 : Optimism);

    private AdapterDemand DemandFor(string version, TimeSpan now)
    {
        if (_demands.TryGetValue(version, out var demand)) return demand;
        if (_demands.Count >= MaxDemands) _demands.Remove(_demands.MinBy(known => Demand(known.Key, now).Steps).Key);
        return _demands[version] = new AdapterDemand();
    }
}
