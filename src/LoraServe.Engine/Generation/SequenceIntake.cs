using LoraServe.Engine.Merging;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Generation;

/// <summary>
/// Sequences on their way into the scheduler: those that always run merged may wait for a merge first. Belongs to the engine's thread.
/// </summary>
/// <param name="scheduler">Runs them.</param>
/// <param name="merging">Merges their adapters.</param>
internal sealed class SequenceIntake(Scheduler scheduler, MergeService merging)
{
    private long _received;

    /// <summary>Whether a sequence waits or runs, or a merge is queued.</summary>
    public bool HasWork => scheduler.HasWork || merging.HasWork;

    /// <summary>Whether a request waits for tokens or for a merge.</summary>
    public bool RequestsWait => scheduler.HasWork || merging.Waiting > 0;

    /// <summary>A snapshot.</summary>
    public EngineStatus Status => new(scheduler.Running, scheduler.Waiting + merging.Waiting, scheduler.Blocks.Used, scheduler.Blocks.Count)
    {
        RunningAdapters = scheduler.RunningAdapters,
        WaitingAdapters = merging.WaitingAdapters is { Count: > 0 } adapters
            ? [.. scheduler.WaitingAdapters.Union(adapters)]
            : scheduler.WaitingAdapters,
        KvBlocksCached = scheduler.Blocks.Cached,
        PrefixCacheQueries = scheduler.PrefixCacheQueries,
        PrefixCacheHits = scheduler.PrefixCacheHits,
        Preemptions = scheduler.Preemptions,
        Received = _received,
    };

    /// <summary>Takes a sequence, which ends with an error where the scheduler refuses it.</summary>
    public void Add(Sequence sequence)
    {
        _received++;
        try
        {
            if (merging.TryAdmit(sequence)) scheduler.Add(sequence);
        }
        catch (Exception e)
        {
            scheduler.Fail(sequence, e);
        }
    }

    /// <summary>Ends a sequence that waits or runs, without an error.</summary>
    public void Cancel(long sequenceId)
    {
        if (!scheduler.Cancel(sequenceId)) merging.Cancel(sequenceId)?.End(error: null);
    }

    /// <summary>Does a slice of the queued merges, and schedules the sequences that waited for one which ended.</summary>
    public void AdvanceMerges()
    {
        foreach (var wait in merging.Advance()) Settle(wait);
    }

    /// <summary>Ends all sequences with an error.</summary>
    public void FailAll(Exception error)
    {
        scheduler.FailAll(error);
        foreach (var wait in merging.FailAll(error)) Settle(wait);
    }

    private void Settle(EndedWait wait)
    {
        try
        {
            if (wait.Error is null) scheduler.Add(wait.Sequence);
            else if (wait.Error is MergedSlotsFullException) wait.Sequence.End(wait.Error);
            else scheduler.Fail(wait.Sequence, wait.Error);
        }
        catch (Exception e)
        {
            scheduler.Fail(wait.Sequence, e);
        }
    }
}
