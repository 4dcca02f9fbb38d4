using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Merging;

/// <summary>
/// Which adapters have merged weights and which steps run on them: carries out what requests, people and the controller decide. Belongs to
/// the engine's thread, but for <see cref="Status"/>.
/// </summary>
internal sealed partial class MergeService : IDisposable
{
    // Time between two steps that a merge may take.
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(4);
    private static readonly TimeSpan StatusAge = TimeSpan.FromMilliseconds(250);

    // Versions whose size and rank are remembered.
    private const int MaxFigures = 4096;

    private readonly Func<bool> _isMemoryWanted;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly ILogger _logger;
    private readonly MergedSlots _slots;
    private readonly MergeQueue _queue;
    private readonly MergeController _controller = new();
    private readonly Dictionary<string, AdapterFigures> _figures = new(StringComparer.Ordinal);
    private MergeStatus _status;
    private TimeSpan _statusTime;

    /// <param name="weights">The base.</param>
    /// <param name="budget">Most bytes of merged weights.</param>
    /// <param name="isMemoryWanted">Whether requests wait for the memory that adapters hold, those of slots among them.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">For its own log lines.</param>
    public MergeService(BaseWeights weights, long budget, Func<bool> isMemoryWanted, TimeProvider time, ILogger logger)
    {
        (_isMemoryWanted, _time, _start, _logger) = (isMemoryWanted, time, time.GetTimestamp(), logger);
        _slots = new MergedSlots(budget, version => Unmerged?.Invoke(version));
        _queue = new MergeQueue(_slots, weights, Value, Complete, Failed, time);
        _status = new MergeStatus(0, budget, [], new Dictionary<string, MergeDecision>());
    }

    /// <summary>Told of each adapter version that was merged and of the time that it took, on the engine's thread.</summary>
    public Action<string, TimeSpan>? Merged { get; set; }

    /// <summary>Told of each adapter version whose merged weights were let go, on the engine's thread.</summary>
    public Action<string>? Unmerged { get; set; }

    /// <summary>The latest snapshot, for any thread.</summary>
    public MergeStatus Status => Volatile.Read(ref _status);

    /// <summary>Whether a merge waits or is under way.</summary>
    public bool HasWork => _queue.HasWork;

    /// <summary>How many wait for a merge.</summary>
    public int Waiting => _queue.Waiting;

    /// <summary>The names under which they asked for their adapters.</summary>
    public IReadOnlyList<string> WaitingAdapters => _queue.WaitingAdapters;

    private TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>Passes a sequence on, after a merge where it always runs on merged weights.</summary>
    /// <param name="sequence">On its way to the scheduler.</param>
    /// <param name="schedule">Takes it, at once or later.</param>
    /// <param name="refuse">Told instead why it cannot be merged; an <see cref="OperationCanceledException"/>: nobody wants it any more.</param>
    public void Admit(Sequence sequence, Action<Sequence> schedule, Action<Sequence, Exception> refuse)
    {
        if (sequence.Mode == MergeMode.Merged && sequence.Adapter.Adapter != LoraAdapter.Base)
            Merge(sequence.Id, sequence.Adapter, Place, error => refuse(sequence, error));
        else
            schedule(sequence);

        void Place(MergedSlot slot)
        {
            sequence.RunOn(slot);
            schedule(sequence);
        }
    }

    /// <summary>Merges an adapter unless it is merged.</summary>
    /// <param name="waiter">Who asks, for <see cref="Cancel"/>.</param>
    /// <param name="lease">Shared, not taken.</param>
    /// <param name="done">Called at once or later, with the slot.</param>
    /// <param name="failed">Called instead, with a <see cref="MergedSlotsFullException"/> where there can be no room.</param>
    public void Merge(object waiter, AdapterLease lease, Action<MergedSlot> done, Action<Exception> failed)
    {
        // Newcomers to a slot do not overtake who waits for its room.
        if (_slots.Find(lease.Version) is { } slot && !_queue.IsWaitingForRoom) done(slot);
        else _queue.Enqueue(lease, isAutomatic: false).Add(waiter, done, failed);
    }

    /// <summary>Merges an adapter for a person, who unmerges it too.</summary>
    /// <param name="lease">Shared, not taken.</param>
    /// <param name="done">Completed with the merge.</param>
    public bool Pin(AdapterLease lease, TaskCompletionSource done)
    {
        Merge(done, lease, slot =>
        {
            // Who asked may have left.
            if (done.Task.IsCompleted) return;
            (slot.IsPinned, slot.IsUnwanted) = (true, false);
            Publish();
            done.TrySetResult();
        }, error => done.TrySetException(error));
        return !done.Task.IsCompleted;
    }

    /// <summary>Ends the waiting of one who waits for a merge; false where it does not.</summary>
    public bool Cancel(object waiter) => _queue.Cancel(waiter);

    /// <summary>Lets go of the merged weights of a version, as soon as no sequence needs them; false where there are none.</summary>
    public bool Unmerge(string version)
    {
        if (_slots.Find(version) is not { } slot) return false;
        (slot.IsPinned, slot.IsUnwanted) = (false, true);
        _controller.Forget(version);
        Advance();
        Publish();
        return true;
    }

    /// <summary>Between two steps: does a slice of the merges that are asked for and frees what nobody needs.</summary>
    public void Advance()
    {
        var slots = _slots.Bytes;
        _queue.Advance(Slice);
        DropUnwanted();
        if (slots != _slots.Bytes || Now - _statusTime > StatusAge) Publish();
    }

    /// <summary>Decides on which weights a batch runs.</summary>
    public StepPlan Plan(Batch batch)
    {
        var adapted = batch.Rows.Where(row => row.IsAdapted).ToList();
        var load = new StepLoad(
            batch.TokenCount,
            batch.Rows.Sum(row => row.Start + row.Count),
            batch.Rows.Any(row => row.Start < row.Sequence.AdapterStart),
            [
                .. adapted.DistinctBy(row => (row.Sequence.AdapterVersion, row.Sequence.Mode)).Select(row => new AdapterLoad(
                    row.Sequence.AdapterVersion,
                    FiguresOf(row.Sequence).Rank,
                    row.Sequence.Mode,
                    _slots.Find(row.Sequence.AdapterVersion) is not null)),
            ]);
        var usesSlots = _controller.UsesSlots(load);
        return new StepPlan(load, usesSlots, sequence => FormOf(sequence, usesSlots));
    }

    /// <summary>Learns from a step, and merges or drops what now seems worth it.</summary>
    public void Observe(Batch batch, StepPlan plan, TimeSpan duration)
    {
        var now = Now;
        _controller.ObserveStep(plan.Load, plan.UsesSlots, duration.TotalMilliseconds, now);
        foreach (var adapter in plan.Load.Adapters.Where(adapter => MergeController.IsMerged(adapter, plan.UsesSlots)))
            _slots.Find(adapter.Version)!.LastUse = now;
        var automatic = batch.Rows.Where(row => row.IsAdapted && row.Sequence.Mode == MergeMode.Auto);
        foreach (var row in automatic.DistinctBy(row => row.Sequence.AdapterVersion))
        {
            if (!row.Sequence.HasEnded && !IsWorthless(row.Sequence, now)) _queue.Enqueue(row.Sequence.Adapter, isAutomatic: true);
        }
    }

    /// <summary>Fails everybody who waits for a merge.</summary>
    public void FailAll(Exception error) => _queue.FailAll(error);

    /// <summary>Frees all merged weights; no sequence may be left.</summary>
    public void Dispose()
    {
        _queue.Dispose();
        _slots.Dispose();
    }

    private void Complete(MergedSlot slot, TimeSpan spent)
    {
        slot.LastUse = Now;
        _controller.ObserveMerge(slot.Bytes, spent.TotalMilliseconds);
        Publish();
        LogMerged(_logger, slot.Version, slot.Bytes, spent.TotalMilliseconds);
        Merged?.Invoke(slot.Version, spent);
    }

    // Not tried again before the demand for it has grown anew.
    private void Failed(string version, Exception error)
    {
        _controller.Forget(version);
        LogMergeFailed(_logger, error, version);
    }

    private LoraAdapter FormOf(Sequence sequence, bool usesSlots) =>
        usesSlots && sequence.Mode == MergeMode.Auto && _slots.Find(sequence.AdapterVersion) is { } slot
            ? slot.Adapter
            : sequence.Adapter.Adapter;

    private double Value(MergedSlot slot) => _controller.Saving(slot.Version, Now);

    private bool IsWorthless(Sequence sequence, TimeSpan now)
    {
        var version = sequence.AdapterVersion;
        if (_slots.Find(version) is not null || _queue.Find(version) is not null) return true;
        var bytes = FiguresOf(sequence).Bytes;
        return bytes == 0
            || _slots.RoomFor(bytes, Value) is not { } given
            || _controller.Saving(version, now) <= _controller.Price(bytes, given.Sum(Value))
            || _isMemoryWanted();
    }

    private void DropUnwanted()
    {
        if (_slots.All.Count == 0) return;
        var (now, isWanted) = (Now, _isMemoryWanted());
        var unwanted = _slots.All.Where(slot =>
            slot.CanGo && (slot.IsUnwanted || isWanted || _controller.IsIdle(slot.Version, slot.Bytes, slot.LastUse, now)));
        foreach (var slot in unwanted.ToList()) _slots.Drop(slot);
    }

    private AdapterFigures FiguresOf(Sequence sequence)
    {
        if (_figures.TryGetValue(sequence.AdapterVersion, out var figures)) return figures;
        if (_figures.Count >= MaxFigures) _figures.Clear();
        // A merged form has no ranks: they are those of the adapter that was asked for.
        var adapter = sequence.Request.Adapter.Adapter;
        var rank = adapter.Linears.Values.OfType<LoraWeights>().Select(lora => (int)lora.A.size(0)).DefaultIfEmpty().Max();
        return _figures[sequence.AdapterVersion] = new AdapterFigures(_queue.BytesOf(adapter), rank);
    }

    private void Publish()
    {
        _statusTime = Now;
        var slots = _slots.All.Select(slot => new MergedSlotInfo(slot.Version, slot.Bytes, slot.IsPinned)).ToList();
        var decisions = _controller.Versions.Union(_slots.All.Select(slot => slot.Version)).ToDictionary(version => version, Explain);
        Volatile.Write(ref _status, new MergeStatus(_slots.Bytes, _slots.Budget, slots, decisions));
    }

    private MergeDecision Explain(string version)
    {
        var slot = _slots.Find(version);
        var demand = _controller.Demand(version, _statusTime);
        var bytes = slot?.Bytes ?? _figures.GetValueOrDefault(version)?.Bytes ?? 0;
        var given = slot is null ? _slots.RoomFor(bytes, Value) : [];
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
            MergeMilliseconds = _controller.MergeMilliseconds(bytes),
            ExpectedSavingPerSecond = demand.Saving / AdapterDemand.Memory.TotalSeconds,
            ExpectedSaving = demand.Saving,
            WorthFrom = _controller.Price(bytes, given?.Sum(Value) ?? 0),
            Obstacle = given is null ? _slots.Shortage(bytes) : null,
        };
    }

    [LoggerMessage(LogLevel.Information, "Merged adapter version {Version}: {Bytes} bytes in {Milliseconds:F0} ms")]
    private static partial void LogMerged(ILogger logger, string version, long bytes, double milliseconds);

    [LoggerMessage(LogLevel.Error, "Adapter version {Version} cannot be merged; it goes on unmerged")]
    private static partial void LogMergeFailed(ILogger logger, Exception exception, string version);

    private sealed record AdapterFigures(long Bytes, int Rank);
}
