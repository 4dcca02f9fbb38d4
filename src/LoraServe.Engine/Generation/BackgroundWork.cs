using System.Diagnostics;

namespace LoraServe.Engine.Generation;

/// <summary>
/// Work that shares the engine's thread with requests, in slices of some milliseconds: all of the time while nobody waits for tokens, at
/// most a share of it while somebody does. One piece of work at a time, in the order in which they came. Only the engine's thread uses it.
/// </summary>
/// <param name="share">Part of the time that it may take while requests wait, from 0 to 1.</param>
internal sealed class BackgroundWork(double share)
{
    private readonly Queue<(Func<bool> Advance, TaskCompletionSource Done, CancellationToken Cancellation)> _pending = [];
    private TimeSpan _debt;

    /// <summary>Whether there is work.</summary>
    public bool HasWork => _pending.Count > 0;

    /// <summary>Adds a piece of work.</summary>
    /// <param name="advance">Does the next slice; false when there is none left.</param>
    /// <param name="done">Told of the end, or of what a slice threw.</param>
    /// <param name="cancellation">Ends it between two slices.</param>
    public void Add(Func<bool> advance, TaskCompletionSource done, CancellationToken cancellation) =>
        _pending.Enqueue((advance, done, cancellation));

    /// <summary>Told of the time that a step for requests took, which pays for slices.</summary>
    public void Served(TimeSpan elapsed) => _debt = Max(TimeSpan.Zero, _debt - (elapsed * (share / Math.Max(1 - share, 1e-9))));

    /// <summary>Does a slice if it is due.</summary>
    /// <param name="requestsWait">Whether somebody waits for tokens.</param>
    public void Advance(bool requestsWait)
    {
        if (!HasWork || (requestsWait && (share <= 0 || _debt > TimeSpan.Zero))) return;
        var (advance, done, cancellation) = _pending.Peek();
        var start = Stopwatch.GetTimestamp();
        try
        {
            cancellation.ThrowIfCancellationRequested();
            if (!advance()) End(done).TrySetResult();
        }
        catch (OperationCanceledException e)
        {
            End(done).TrySetCanceled(e.CancellationToken);
        }
        catch (Exception e)
        {
            End(done).TrySetException(e);
        }

        if (requestsWait) _debt += Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Ends everything.</summary>
    public void FailAll(Exception error)
    {
        while (_pending.TryDequeue(out var work)) work.Done.TrySetException(error);
    }

    private TaskCompletionSource End(TaskCompletionSource done)
    {
        _pending.Dequeue();
        return done;
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
