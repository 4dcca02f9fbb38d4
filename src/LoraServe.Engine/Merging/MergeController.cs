using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Merging;

/// <summary>
/// Weighs merged weights against adapters beside the base, by what steps and merges cost on this machine. It observes both with their times and
/// has neither clock nor tensors, so that the same observations lead to the same decisions.
/// <para>
/// Merging is a ski-rental problem (Karlin et al. 1988): each unmerged step pays a little rent, a merge is bought once. Buying when the rent
/// paid lately exceeds the price costs at most a small multiple of what foresight would have cost, whatever comes.
/// </para>
/// </summary>
internal sealed class MergeController
{
    // A merge must save this many times its cost, in time and in slots given up. Ski rental buys at 1. The half above it is a guess, not a
    // measurement, between merging too late and swapping slots for noise in the step times; MergeControllerTests bound both.
    private const double MergeAt = 1.5;

    // An idle slot goes when it saves less than this part of a merge. A guess, far below MergeAt, between holding memory for little and merging
    // again soon.
    private const double DropBelow = 0.1;

    // A slot is not idle before. A guess between memory that is held for nothing and a merge that is repeated; nothing but the adapter cache,
    // which takes the memory at once, needs it sooner.
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(60);

    // A plan that was not measured lately counts as this much of its estimate. A guess: lower tries more plans that turn out slower, for one
    // step each; higher stays with a plan that others would beat.
    private const double Optimism = 0.75;

    // Until merges were measured. On two cores with AVX-512, one of 212 MB took 47 ms (docs/benchmarks.md), 4.5e6 bytes a millisecond.
    private const double BytesPerMillisecond = 4e6;

    // Share of one merge in the average. A guess between following a machine that changes its pace and noise of single merges.
    private const double MergeShare = 0.3;

    // A bound on memory and on the time of a snapshot. The least used version is forgotten first.
    private const int MaxDemands = 512;

    private readonly StepCosts _costs = new();
    private readonly Dictionary<AdapterVersionId, AdapterDemand> _demands = [];
    private double _millisecondsPerByte = 1 / BytesPerMillisecond;
    private bool _hasMerged;

    /// <summary>Whether a step is faster when the adapters of mode auto that have a slot run on it.</summary>
    public bool UsesSlots(StepLoad load)
    {
        var (slots, beside) = (load.Shape(usesSlots: true), load.Shape(usesSlots: false));
        // One set of weights and nothing beside it costs as much as the base alone: nothing is faster.
        return slots == slots.Alone || Promise(slots) < Promise(beside);
    }

    /// <summary>Learns from a step.</summary>
    /// <param name="load">Its load.</param>
    /// <param name="usesSlots">What <see cref="UsesSlots"/> said.</param>
    /// <param name="milliseconds">Step time.</param>
    /// <param name="now">Time since the engine's start.</param>
    public void ObserveStep(StepLoad load, bool usesSlots, double milliseconds, TimeSpan now)
    {
        var shape = load.Shape(usesSlots);
        _costs.Observe(shape, milliseconds, now);
        for (var i = 0; i < load.Adapters.Count; i++)
        {
            if (load.Adapters[i].Mode == MergeMode.Unmerged) continue;
            var unmerged = _costs.Estimate(load.Shape(usesSlots, i, isOtherMerged: false));
            var merged = _costs.Estimate(load.Shape(usesSlots, i, isOtherMerged: true));
            DemandFor(load.Adapters[i].Version, now)
                .Add(unmerged, Math.Min(unmerged, merged), _costs.Estimate(shape.Alone), load is { HasBase: false, Adapters.Count: 1 }, now);
        }
    }

    /// <summary>Learns from a merge.</summary>
    /// <param name="bytes">Of the slot.</param>
    /// <param name="milliseconds">Time of the engine's thread.</param>
    public void ObserveMerge(long bytes, double milliseconds)
    {
        if (bytes == 0) return;
        // The first merge of a process takes about ten times as long as later ones (docs/benchmarks.md): code and memory are new.
        if (_hasMerged) _millisecondsPerByte += MergeShare * ((milliseconds / bytes) - _millisecondsPerByte);
        _hasMerged = true;
    }

    /// <summary>Milliseconds of the engine's thread for a merge of so many bytes.</summary>
    public double MergeMilliseconds(long bytes) => bytes * _millisecondsPerByte;

    /// <summary>Milliseconds that a slot of this version is expected to save while demand lasts.</summary>
    public double Saving(AdapterVersionId version, TimeSpan now) => Demand(version, now).Saving;

    /// <summary>Milliseconds that a slot has to save to be worth its merge.</summary>
    /// <param name="bytes">Of the slot.</param>
    /// <param name="lost">Savings, in milliseconds, of the slots that make room for it.</param>
    public double Price(long bytes, double lost) => MergeAt * (MergeMilliseconds(bytes) + lost);

    /// <summary>Whether a slot was unused for long and saves too little to be kept.</summary>
    public bool IsIdle(AdapterVersionId version, long bytes, TimeSpan lastUse, TimeSpan now) =>
        now - lastUse > IdleTime && Saving(version, now) < DropBelow * MergeMilliseconds(bytes);

    /// <summary>Forgets the demand for a version, which must show again before it is merged.</summary>
    public void Forget(AdapterVersionId version) => _demands.Remove(version);

    /// <summary>The demand for a version as of now; all zero where it was not used.</summary>
    public AdapterDemand Demand(AdapterVersionId version, TimeSpan now)
    {
        if (!_demands.TryGetValue(version, out var demand)) return new AdapterDemand();
        demand.Fade(now);
        return demand;
    }

    /// <summary>Versions whose demand is known.</summary>
    public IReadOnlyCollection<AdapterVersionId> Versions => _demands.Keys;

    private double Promise(StepShape shape) => _costs.Estimate(shape) * (_costs.IsKnown(shape) ? 1 : Optimism);

    private AdapterDemand DemandFor(AdapterVersionId version, TimeSpan now)
    {
        if (_demands.TryGetValue(version, out var demand)) return demand;
        if (_demands.Count >= MaxDemands) ForgetLeastUsed(now);
        return _demands[version] = new AdapterDemand();
    }

    private void ForgetLeastUsed(TimeSpan now) => _demands.Remove(_demands.MinBy(known => Demand(known.Key, now).Steps).Key);
}
