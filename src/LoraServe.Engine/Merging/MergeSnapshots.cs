namespace LoraServe.Engine.Merging;

/// <summary>Snapshots of merged weights, taken by the engine's thread for all others.</summary>
/// <param name="slots">The merged weights.</param>
/// <param name="controller">Knows the versions in demand.</param>
/// <param name="policy">Says why they are merged or not.</param>
internal sealed class MergeSnapshots(MergedSlots slots, MergeController controller, MergePolicy policy)
{
    // The figures of decisions change with every step; a person sees no difference at this age.
    private static readonly TimeSpan MostAge = TimeSpan.FromMilliseconds(250);

    private MergeStatus _latest = new(0, slots.Budget, [], new Dictionary<AdapterVersionId, MergeDecision>());
    private TimeSpan _taken;

    /// <summary>The latest one, for any thread.</summary>
    public MergeStatus Latest => Volatile.Read(ref _latest);

    /// <summary>Whether it is time for another one although no slot has changed.</summary>
    public bool IsOld(TimeSpan now) => now - _taken > MostAge;

    /// <summary>Takes another one.</summary>
    public void Take(TimeSpan now)
    {
        _taken = now;
        var infos = slots.All.Select(slot => new MergedSlotInfo(slot.Version, slot.Bytes, slot.IsPinned)).ToList();
        var decisions = controller.Versions.Union(slots.All.Select(slot => slot.Version))
            .ToDictionary(version => version, version => policy.Explain(version, now));
        Volatile.Write(ref _latest, new MergeStatus(slots.Bytes, slots.Budget, infos, decisions));
    }
}
