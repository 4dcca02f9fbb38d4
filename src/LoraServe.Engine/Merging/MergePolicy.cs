using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Merging;

/// <summary>Decides which adapters are merged for their saving and which slots are given up, and says why.</summary>
/// <param name="slots">The merged weights.</param>
/// <param name="controller">Knows costs and savings.</param>
/// <param name="figures">Of the adapters.</param>
/// <param name="cache">Slots keep their adapters in it, and go when requests wait for its memory.</param>
internal sealed class MergePolicy(MergedSlots slots, MergeController controller, AdapterFigures figures, AdapterCache cache)
{
    /// <summary>Whether the adapter of a row is worth a merge.</summary>
    public bool IsWorthMerging(BatchRow row, TimeSpan now) =>
        row.IsAdapted && row.Sequence is { Mode: MergeMode.Auto, HasEnded: false } && IsWorthMerging(row.Sequence, now);

    /// <summary>The slots to give up for a new one, the least saving first; null if there is no room even then.</summary>
    public IReadOnlyList<MergedSlot>? RoomFor(long bytes, TimeSpan now) => slots.RoomFor(bytes, slots.All.OrderBy(slot => Saving(slot, now)));

    /// <summary>A slot that goes now: unmerged by a person, in the way of requests that wait for memory, or idle; null for none.</summary>
    public MergedSlot? Unwanted(TimeSpan now)
    {
        foreach (var slot in slots.All)
        {
            if (slot.CanGo && (slot.IsUnwanted || cache.HasWaiters || controller.IsIdle(slot.Version, slot.Bytes, slot.LastUse, now))) return slot;
        }

        return null;
    }

    /// <summary>Why a version is merged or not.</summary>
    public MergeDecision Explain(AdapterVersionId version, TimeSpan now)
    {
        var slot = slots.Find(version);
        var demand = controller.Demand(version, now);
        var bytes = slot?.Bytes ?? figures.BytesOf(version);
        var given = slot is null ? RoomFor(bytes, now) : [];
        var steps = Math.Max(demand.Steps, double.Epsilon);
        return new MergeDecision
        {
            Version = version,
            IsMerged = slot is not null,
            IsPinned = slot is { IsPinned: true },
            Bytes = bytes,
            StepsPerSecond = demand.Steps / AdapterDemand.Memory.TotalSeconds,
            AloneShare = demand.StepsAlone / steps,
            BaseStepMilliseconds = demand.Base / steps,
            UnmergedStepMilliseconds = demand.Unmerged / steps,
            MergedStepMilliseconds = demand.Merged / steps,
            MergeMilliseconds = controller.MergeMilliseconds(bytes),
            ExpectedSavingPerSecond = demand.Saving / AdapterDemand.Memory.TotalSeconds,
            ExpectedSaving = demand.Saving,
            WorthFrom = controller.Price(bytes, given is null ? 0 : Saving(given, now)),
            Obstacle = given is null ? slots.Shortage(bytes) : null,
        };
    }

    private bool IsWorthMerging(Sequence sequence, TimeSpan now)
    {
        if (slots.Find(sequence.AdapterVersion) is not null) return false;
        var bytes = figures.Of(sequence).Bytes;
        var saving = controller.Saving(sequence.AdapterVersion, now);
        // Asked in this order: most adapters are not worth it even where room costs nothing, and some could never have any.
        return bytes > 0
            && saving > controller.Price(bytes, lost: 0)
            && slots.CanEverHold(bytes)
            && RoomFor(bytes, now) is { } given
            && saving > controller.Price(bytes, Saving(given, now))
            && !cache.HasWaiters;
    }

    private double Saving(IReadOnlyList<MergedSlot> given, TimeSpan now) => given.Sum(slot => Saving(slot, now));

    private double Saving(MergedSlot slot, TimeSpan now) => controller.Saving(slot.Version, now);
}
