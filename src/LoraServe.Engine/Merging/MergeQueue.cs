using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sequences;
using static TorchSharp.torch;

namespace LoraServe.Engine.Merging;

/// <summary>
/// Merges, done one after the other in slices of time between steps, so that running requests are hardly delayed. Belongs to the engine's
/// thread.
/// </summary>
/// <param name="slots">Filled with the merged weights.</param>
/// <param name="weights">The base.</param>
/// <param name="policy">Chooses the slots that make room.</param>
/// <param name="time">The clock.</param>
internal sealed class MergeQueue(MergedSlots slots, BaseWeights weights, MergePolicy policy, TimeProvider time) : IDisposable
{
    private readonly List<MergeJob> _jobs = []; // in order of arrival
    private MergeJob? _current;
    private AdapterMerger? _merger;
    private Tensor? _memory; // of a slot that made room for the current job
    private TimeSpan _spent;

    /// <summary>Whether a merge waits or is under way.</summary>
    public bool HasWork => _jobs.Count > 0;

    /// <summary>Whether a request waits for room in slots that are in use.</summary>
    public bool IsWaitingForRoom { get; private set; }

    /// <summary>How many wait for a merge.</summary>
    public int Waiting
    {
        get
        {
            var count = 0;
            foreach (var job in _jobs) count += job.WaiterCount;
            return count;
        }
    }

    /// <summary>The names under which they asked for their adapters.</summary>
    public IReadOnlyList<string> WaitingAdapters =>
        _jobs.Count == 0 ? [] : [.. _jobs.Where(job => job.WaiterCount > 0).Select(job => job.Name).Distinct()];

    /// <summary>Queues a merge; the job that is there already where the version is being merged.</summary>
    /// <param name="lease">Not taken. A hold of its adapter is kept, which is no use of its name.</param>
    /// <param name="isAutomatic">Whether it continues without waiters.</param>
    public MergeJob Enqueue(AdapterLease lease, bool isAutomatic)
    {
        if (_jobs.Find(job => job.Version == lease.Version) is { } known) return known;
        var job = new MergeJob(lease.Name, lease.Keep(), AdapterMerger.Bytes(weights, lease.Adapter)) { IsAutomatic = isAutomatic };
        _jobs.Add(job);
        return job;
    }

    /// <summary>Takes out a sequence that waits, and its merge if nothing else wants it.</summary>
    /// <returns>The sequence; null if none of this id waits.</returns>
    public Sequence? Cancel(long sequenceId)
    {
        if (_jobs.SelectMany(job => job.Sequences).FirstOrDefault(sequence => sequence.Id == sequenceId) is not { } left) return null;
        EndIfUnwanted(_jobs.Find(job => job.Remove(left))!);
        return left;
    }

    /// <summary>The same for a person; does nothing where that one does not wait.</summary>
    public void Cancel(TaskCompletionSource pin)
    {
        if (_jobs.Find(job => job.Remove(pin)) is { } left) EndIfUnwanted(left);
    }

    /// <summary>Merges for about as long as told.</summary>
    /// <returns>The merges that ended.</returns>
    public IReadOnlyList<EndedMerge> Advance(TimeSpan slice, TimeSpan now)
    {
        if (!HasWork) return [];
        var ended = new List<EndedMerge>();
        _current ??= Next(ended, now);
        if (_current is null) return ended;
        try
        {
            if (Merge(slice)) ended.Add(Complete());
        }
        catch (Exception e)
        {
            ended.Add(End(_current, error: e));
        }

        return ended;
    }

    /// <summary>Ends every merge with an error.</summary>
    public IReadOnlyList<EndedMerge> FailAll(Exception error) => [.. _jobs.ToList().Select(job => End(job, error: error))];

    /// <summary>Frees what is being merged; nothing may wait for it.</summary>
    public void Dispose()
    {
        while (HasWork) End(_jobs[0]);
    }

    // The first job whose room is free now. One whose room is in use waits for the sequences that use it, and nothing overtakes it.
    private MergeJob? Next(List<EndedMerge> ended, TimeSpan now)
    {
        IsWaitingForRoom = false;
        foreach (var job in _jobs.ToList())
        {
            if (slots.Find(job.Version) is { } slot)
            {
                ended.Add(End(job, slot));
            }
            else if (policy.RoomFor(job.Bytes, now) is { } given)
            {
                Reserve(job, given);
                return job;
            }
            else if (job.WaiterCount == 0)
            {
                End(job);
            }
            else if (!slots.CanEverHold(job.Bytes))
            {
                ended.Add(End(job, error: new MergedSlotsFullException(slots.Shortage(job.Bytes))));
            }
            else
            {
                IsWaitingForRoom = true;
                return null;
            }
        }

        return null;
    }

    private void Reserve(MergeJob job, IReadOnlyList<MergedSlot> given)
    {
        // Adapters of the same modules take turns in the same memory.
        if (given is [var equal] && equal.Bytes == job.Bytes) _memory = slots.Vacate(equal);
        else foreach (var slot in given) slots.Drop(slot);
        slots.Reserve(job.Bytes);
        _spent = TimeSpan.Zero;
    }

    // Whether the current job is merged.
    private bool Merge(TimeSpan slice)
    {
        var start = time.GetTimestamp();
        _merger ??= Begin(_current!.Plain.Adapter);
        while (_merger.Advance() && time.GetElapsedTime(start) < slice)
        {
        }

        _spent += time.GetElapsedTime(start);
        return _merger.IsComplete;
    }

    private AdapterMerger Begin(LoraAdapter adapter)
    {
        var memory = _memory ?? AdapterMerger.Allocate(weights, adapter);
        _memory = null;
        return new AdapterMerger(weights, adapter, memory);
    }

    private EndedMerge Complete()
    {
        var job = _current!;
        var slot = slots.Fill(job.Plain.Keep(), _merger!.Complete(), job.Bytes);
        (_current, _merger) = (null, null);
        return End(job, slot) with { Spent = _spent };
    }

    private void EndIfUnwanted(MergeJob job)
    {
        if (!job.IsWanted) End(job);
    }

    private EndedMerge End(MergeJob job, MergedSlot? slot = null, Exception? error = null)
    {
        _jobs.Remove(job);
        IsWaitingForRoom &= HasWork;
        job.Plain.Dispose();
        if (job == _current)
        {
            _merger?.Dispose();
            _memory?.Dispose();
            slots.Release(job.Bytes);
            (_current, _merger, _memory) = (null, null, null);
        }

        return new EndedMerge(job, slot, error);
    }
}
