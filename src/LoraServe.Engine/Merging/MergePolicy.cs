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
    /// <summary>Sequences of a batch whose adapters are worth a merge.</summary>
    public IEnumerable<Sequence> WorthMerging(Batch batch, TimeSpan now) => batch.Rows
        .Where(row => row.IsAdapted && row.Sequence.Mode == MergeMode.Auto)
        .Select(row => row.Sequence)
        .DistinctBy(sequence => sequence.AdapterVersion)
        .Where(sequence => !sequence.HasEnded && IsWorthMerging(sequence, now));

    /// <summary>The slots to give up for a new one, the least saving first; null if there is no room even then.</summary>
    public IReadOnlyList<MergedSlot>? RoomFor(long bytes, TimeSpan now) => slots.RoomFor(bytes, slots.All.OrderBy(slot => Saving(slot, now)));

    /// <summary>Slots that go now: unmerged by a person, in the way of requests that wait for memory, or idle.</summary>
    public IReadOnlyList<MergedSlot> Unwanted(TimeSpan now)
    {
        if (slots.All.Count == 0) return [];
        var isMemoryWanted = cache.HasWaiters;
        return
        [
            .. slots.All.Where(slot => slot.CanGo
                && (slot.IsUnwanted || isMemoryWanted || controller.IsIdle(slot.Version, slot.Bytes, slot.LastUse, now))),
        ];
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
            WorthFrom = controller.Price(bytes, given?.Sum(other => Saving(other, now)) ?? 0),
            Obstacle = given is null ? slots.Shortage(bytes) : null,
        };
    }

    private bool IsWorthMerging(Sequence sequence, TimeSpan now)
    {
        if (slots.Find(sequence.AdapterVersion) is not null) return false;
        var bytes = figures.Of(sequence).Bytes;
        return bytes > 0
            && RoomFor(bytes, now) is { } given
            && controller.Saving(sequence.AdapterVersion, now) > controller.Price(bytes, given.Sum(slot => Saving(slot, now)))
            && !cache.HasWaiters;
    }

    private double Saving(MergedSlot slot, TimeSpan now) => controller.Saving(slot.Version, now);
}
