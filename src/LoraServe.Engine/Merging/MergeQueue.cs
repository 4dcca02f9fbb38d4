using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using static TorchSharp.torch;

namespace LoraServe.Engine.Merging;

/// <summary>
/// Merges that are asked for, done one after the other in slices of time between steps, so that running requests are hardly delayed.
/// Belongs to the engine's thread.
/// </summary>
/// <param name="slots">Where the merged weights go.</param>
/// <param name="weights">The base.</param>
/// <param name="value">What a slot is worth, to drop the one that is worth least where there is no room.</param>
/// <param name="merged">Told of each merge and the time that it took.</param>
/// <param name="failed">Told of each version that could not be merged, and why.</param>
/// <param name="time">The clock.</param>
internal sealed class MergeQueue(
    MergedSlots slots,
    BaseWeights weights,
    Func<MergedSlot, double> value,
    Action<MergedSlot, TimeSpan> merged,
    Action<string, Exception> failed,
    TimeProvider time) : IDisposable
{
    private readonly List<MergeJob> _jobs = []; // in order of arrival
    private MergeJob? _current;
    private AdapterMerger? _merger;
    private Tensor? _memory; // of a slot that made room for the current job
    private TimeSpan _spent;

    /// <summary>Whether a merge waits or is under way.</summary>
    public bool HasWork => _jobs.Count > 0;

    /// <summary>Whether somebody waits for the room of slots that are in use.</summary>
    public bool IsWaitingForRoom { get; private set; }

    /// <summary>How many wait for a merge.</summary>
    public int Waiting => _jobs.Sum(job => job.WaiterCount);

    /// <summary>The names under which they asked for their adapters.</summary>
    public IReadOnlyList<string> WaitingAdapters =>
        _jobs.Count == 0 ? [] : [.. _jobs.Where(job => job.WaiterCount > 0).Select(job => job.Name).Distinct()];

    /// <summary>The job for this version, or null.</summary>
    public MergeJob? Find(string version) => _jobs.Find(job => job.Version == version);

    /// <summary>Bytes of the slot that merging an adapter would take.</summary>
    public long BytesOf(LoraAdapter adapter) => AdapterMerger.Bytes(weights, adapter);

    /// <summary>Queues a merge; the job there is already where the version is being merged.</summary>
    /// <param name="lease">Not taken; its adapter is kept, which is no use of its name.</param>
    /// <param name="isAutomatic">Whether it goes on when nobody waits.</param>
    public MergeJob Enqueue(AdapterLease lease, bool isAutomatic)
    {
        if (Find(lease.Version) is { } known) return known;
        var job = new MergeJob(lease.Name, lease.Keep(), BytesOf(lease.Adapter)) { IsAutomatic = isAutomatic };
        _jobs.Add(job);
        return job;
    }

    /// <summary>Forgets one who waits, and its merge if nobody else wants it; false where it does not wait here.</summary>
    public bool Cancel(object waiter)
    {
        if (_jobs.Find(job => job.Cancel(waiter)) is not { } left) return false;
        if (!left.IsWanted) End(left);
        return true;
    }

    /// <summary>Merges for about as long as told.</summary>
    public void Advance(TimeSpan slice)
    {
        if (_current is null && !Start()) return;
        try
        {
            var start = time.GetTimestamp();
            _merger ??= Take(_current!.Plain.Adapter);
            while (_merger.Advance() && time.GetElapsedTime(start) < slice)
            {
            }

            _spent += time.GetElapsedTime(start);
        }
        catch (Exception e)
        {
            failed(_current!.Version, e);
            Fail(_current, e);
            return;
        }

        if (_merger.IsComplete) Complete();
    }

    /// <summary>Ends every merge with an error for those who wait.</summary>
    public void FailAll(Exception error)
    {
        while (HasWork) Fail(_jobs[0], error);
    }

    /// <summary>Frees what is being merged; nobody may wait any more.</summary>
    public void Dispose()
    {
        while (HasWork) End(_jobs[0]);
    }

    // Takes up the first job. One whose room is in use waits for the sequences that use it, and nobody overtakes it.
    private bool Start()
    {
        IsWaitingForRoom = false;
        foreach (var job in _jobs.ToList())
        {
            if (slots.Find(job.Version) is { } slot)
            {
                End(job);
                job.Complete(slot);
            }
            else if (slots.RoomFor(job.Bytes, value) is { } given)
            {
                Start(job, given);
                return true;
            }
            else if (job.WaiterCount == 0)
            {
                End(job);
            }
            else if (!slots.CanEverHold(job.Bytes))
            {
                Fail(job, new MergedSlotsFullException(slots.Shortage(job.Bytes)));
            }
            else
            {
                IsWaitingForRoom = true;
                return false;
            }
        }

        return false;
    }

    private void Start(MergeJob job, IReadOnlyList<MergedSlot> given)
    {
        // Adapters of the same modules take turns in the same memory.
        if (given is [var equal] && equal.Bytes == job.Bytes) _memory = slots.Vacate(equal);
        else foreach (var slot in given) slots.Drop(slot);
        slots.Reserve(job.Bytes);
        (_current, _spent) = (job, TimeSpan.Zero);
    }

    private AdapterMerger Take(LoraAdapter adapter)
    {
        var memory = _memory ?? AdapterMerger.Allocate(weights, adapter);
        _memory = null;
        return new AdapterMerger(weights, adapter, memory);
    }

    private void Complete()
    {
        var job = _current!;
        var slot = slots.Fill(job.Plain.Keep(), _merger!.Complete(), job.Bytes);
        var spent = _spent;
        (_current, _merger) = (null, null);
        End(job);
        merged(slot, spent);
        job.Complete(slot);
    }

    private void Fail(MergeJob job, Exception error)
    {
        End(job);
        job.Fail(error);
    }

    private void End(MergeJob job)
    {
        _jobs.Remove(job);
        IsWaitingForRoom &= HasWork;
        job.Plain.Dispose();
        if (job != _current) return;
        _merger?.Dispose();
        _memory?.Dispose();
        slots.Release(job.Bytes);
        (_current, _merger, _memory) = (null, null, null);
    }
}
