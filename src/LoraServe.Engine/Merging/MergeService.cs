using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Models;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Merging;

/// <summary>
/// Merged weights: plans which steps run on them, learns from each step, and carries out the merges that sequences, people and
/// <see cref="MergePolicy"/> want. Belongs to the engine's thread, but for <see cref="Status"/>.
/// </summary>
internal sealed partial class MergeService : IDisposable
{
    // Time of a merge between two steps. A bound by reasoning: running sequences, whose steps take some 30 ms on a model of 135 million weights,
    // lose an eighth, and a merge there ends within 50 to 190 ms (docs/benchmarks.md).
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(4);

    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly MergeMetrics _metrics;
    private readonly ILogger _logger;
    private readonly MergeController _controller = new();
    private readonly MergedSlots _slots;
    private readonly StepPlanner _planner;
    private readonly MergePolicy _policy;
    private readonly MergeQueue _queue;
    private readonly MergeSnapshots _snapshots;

    /// <param name="weights">The base.</param>
    /// <param name="budget">Most bytes of merged weights.</param>
    /// <param name="cache">Holds the adapters.</param>
    /// <param name="time">The clock.</param>
    /// <param name="metrics">Counts merges.</param>
    /// <param name="logger">For its own log lines.</param>
    public MergeService(BaseWeights weights, long budget, AdapterCache cache, TimeProvider time, MergeMetrics metrics, ILogger logger)
    {
        (_time, _start, _metrics, _logger) = (time, time.GetTimestamp(), metrics, logger);
        _slots = new MergedSlots(budget, metrics);
        var figures = new AdapterFigures(weights);
        _planner = new StepPlanner(_slots, _controller, figures);
        _policy = new MergePolicy(_slots, _controller, figures, cache);
        _queue = new MergeQueue(_slots, weights, _policy, time);
        _snapshots = new MergeSnapshots(_slots, _controller, _policy);
    }

    /// <summary>The latest snapshot, for any thread.</summary>
    public MergeStatus Status => _snapshots.Latest;

    /// <inheritdoc cref="MergeQueue.HasWork"/>
    public bool HasWork => _queue.HasWork;

    /// <inheritdoc cref="MergeQueue.Waiting"/>
    public int Waiting => _queue.Waiting;

    /// <inheritdoc cref="MergeQueue.WaitingAdapters"/>
    public IReadOnlyList<string> WaitingAdapters => _queue.WaitingAdapters;

    private TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>Brings a sequence on its way to the scheduler onto merged weights where it always runs on them.</summary>
    /// <returns>Whether it may be scheduled now. If not, it waits for a merge, and <see cref="Advance"/> returns it later.</returns>
    public bool TryAdmit(Sequence sequence)
    {
        if (sequence.Mode != MergeMode.Merged || sequence.Adapter.IsBase) return true;
        if (SlotFor(sequence.Adapter) is not { } slot)
        {
            _queue.Enqueue(sequence.Adapter, isAutomatic: false).Add(sequence);
            return false;
        }

        sequence.RunOn(slot.Lease(sequence.Adapter));
        return true;
    }

    /// <summary>Merges an adapter for a person, until <see cref="Unmerge"/>.</summary>
    /// <param name="lease">Shared, not taken.</param>
    /// <param name="done">Completed with the merge, or fails with a <see cref="MergedSlotsFullException"/> where there can be no room.</param>
    public void Pin(AdapterLease lease, TaskCompletionSource done)
    {
        if (SlotFor(lease) is { } slot) Pin(slot, done);
        else _queue.Enqueue(lease, isAutomatic: false).Add(done);
    }

    /// <inheritdoc cref="MergeQueue.Cancel(long)"/>
    public Sequence? Cancel(long sequenceId) => _queue.Cancel(sequenceId);

    /// <inheritdoc cref="MergeQueue.Cancel(TaskCompletionSource)"/>
    public void Cancel(TaskCompletionSource pin) => _queue.Cancel(pin);

    /// <summary>Frees the merged weights of a version as soon as no sequence needs them; false where there are none.</summary>
    public bool Unmerge(AdapterVersionId version)
    {
        if (_slots.Find(version) is not { } slot) return false;
        (slot.IsPinned, slot.IsUnwanted) = (false, true);
        _controller.Forget(version);
        if (slot.CanGo) _slots.Drop(slot);
        _snapshots.Take(Now);
        return true;
    }

    /// <inheritdoc cref="StepPlanner.Plan"/>
    public StepPlan Plan(Batch batch) => _planner.Plan(batch);

    /// <summary>Learns from a step, and queues the merges that are worth it now.</summary>
    public void Observe(Batch batch, StepPlan plan, TimeSpan duration)
    {
        var now = Now;
        _controller.ObserveStep(plan.Load, plan.UsesSlots, duration.TotalMilliseconds, now);
        foreach (var adapter in plan.Load.Adapters)
        {
            if (adapter.IsMerged(plan.UsesSlots)) _slots.Find(adapter.Version)!.LastUse = now;
        }

        foreach (var row in batch.Rows)
        {
            if (_policy.IsWorthMerging(row, now)) _queue.Enqueue(row.Sequence.Adapter, isAutomatic: true);
        }
    }

    /// <summary>Between two steps: does a slice of the queued merges, and frees the slots that go now.</summary>
    /// <returns>The sequences whose merge ended.</returns>
    public IReadOnlyList<EndedWait> Advance()
    {
        var (now, bytes) = (Now, _slots.Bytes);
        var ended = _queue.Advance(Slice, now);
        foreach (var merge in ended) Learn(merge);
        IReadOnlyList<EndedWait> waits = ended.Count == 0 ? [] : [.. ended.SelectMany(Settle)];
        while (_policy.Unwanted(now) is { } slot) _slots.Drop(slot);
        if (ended.Count > 0 || bytes != _slots.Bytes || _snapshots.IsOld(now)) _snapshots.Take(now);
        return waits;
    }

    /// <summary>Fails all waiters for a merge.</summary>
    /// <returns>The sequences among them.</returns>
    public IReadOnlyList<EndedWait> FailAll(Exception error) => [.. _queue.FailAll(error).SelectMany(Settle)];

    /// <summary>Frees all merged weights; no sequence may be left.</summary>
    public void Dispose()
    {
        _queue.Dispose();
        _slots.Dispose();
    }

    // Newcomers to a slot do not overtake those who wait for its room.
    private MergedSlot? SlotFor(AdapterLease lease) => _queue.IsWaitingForRoom ? null : _slots.Find(lease.Version);

    private void Learn(EndedMerge merge)
    {
        if (merge is { Slot: { } slot, Spent: { } spent })
        {
            slot.LastUse = Now;
            _controller.ObserveMerge(slot.Bytes, spent.TotalMilliseconds);
            _metrics.Merged(slot.Version, spent);
            LogMerged(_logger, slot.Version.Value, slot.Bytes, spent.TotalMilliseconds);
        }
        else if (merge.Error is not null and not MergedSlotsFullException)
        {
            // Not tried again before the demand for it has grown again.
            _controller.Forget(merge.Job.Version);
            LogMergeFailed(_logger, merge.Error, merge.Job.Version.Value);
        }
    }

    private IEnumerable<EndedWait> Settle(EndedMerge merge)
    {
        foreach (var pin in merge.Job.Pins)
        {
            if (merge.Slot is { } slot) Pin(slot, pin);
            else pin.TrySetException(merge.Error!);
        }

        foreach (var sequence in merge.Job.Sequences)
        {
            if (merge.Slot is { } slot) sequence.RunOn(slot.Lease(sequence.Adapter));
            yield return new EndedWait(sequence, merge.Error);
        }
    }

    private void Pin(MergedSlot slot, TaskCompletionSource done)
    {
        // The caller may have left.
        if (done.Task.IsCompleted) return;
        (slot.IsPinned, slot.IsUnwanted) = (true, false);
        _snapshots.Take(Now);
        done.TrySetResult();
    }

    [LoggerMessage(LogLevel.Information, "Merged adapter version {Version}: {Bytes} bytes in {Milliseconds:F0} ms")]
    private static partial void LogMerged(ILogger logger, string version, long bytes, double milliseconds);

    [LoggerMessage(LogLevel.Error, "Adapter version {Version} cannot be merged; it goes on unmerged")]
    private static partial void LogMergeFailed(ILogger logger, Exception exception, string version);
}
