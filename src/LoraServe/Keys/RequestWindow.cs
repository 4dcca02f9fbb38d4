using System.Threading.RateLimiting;

namespace LoraServe.Keys;

/// <summary>
/// How many requests a key may still make within any minute. Records when each was made, to a tenth of a second earlier, so that it
/// never admits too many and knows when there is room again. Safe for concurrent use.
/// </summary>
internal sealed class RequestWindow(int limit, TimeProvider time) : RateLimiter
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    // Requests this close together leave the window together, so that any limit takes a few hundred entries.
    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly LinkedList<Entry> _entries = [];
    private int _used;

    /// <summary>Requests left, and the time until all are available.</summary>
    public (int Left, TimeSpan Reset) State
    {
        get
        {
            lock (_lock)
            {
                Advance();
                return (limit - _used, Wait(_entries.Last));
            }
        }
    }

    /// <summary>Whether nothing counts any more, so that the window may be dropped.</summary>
    public override TimeSpan? IdleDuration => State.Left == limit ? Minute : null;

    public override RateLimiterStatistics GetStatistics() => new() { CurrentAvailablePermits = State.Left };

    protected override RateLimitLease AttemptAcquireCore(int permitCount)
    {
        lock (_lock)
        {
            Advance();
            if (permitCount > limit - _used) return new Lease(Wait(_entries.First));
            if (permitCount > 0) Count(permitCount);
            return new Lease(null);
        }
    }

    protected override ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken) =>
        ValueTask.FromResult(AttemptAcquireCore(permitCount));

    private void Count(int permits)
    {
        var now = time.GetTimestamp();
        _used += permits;
        if (_entries.Last is { } last && time.GetElapsedTime(last.Value.First, now) < Grain)
            last.Value = last.Value with { Last = now, Count = last.Value.Count + permits };
        else
            _entries.AddLast(new Entry(now, now, permits));
    }

    private void Advance()
    {
        while (_entries.First is { } oldest && Wait(oldest) <= TimeSpan.Zero)
        {
            _used -= oldest.Value.Count;
            _entries.RemoveFirst();
        }
    }

    private TimeSpan Wait(LinkedListNode<Entry>? entry) =>
        entry is null ? TimeSpan.Zero : Minute - time.GetElapsedTime(entry.Value.Last);

    private readonly record struct Entry(long First, long Last, int Count);

    private sealed class Lease(TimeSpan? wait) : RateLimitLease
    {
        public override bool IsAcquired => wait is null;

        public override IEnumerable<string> MetadataNames => wait is null ? [] : [MetadataName.RetryAfter.Name];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = metadataName == MetadataName.RetryAfter.Name ? wait : null;
            return metadata is not null;
        }
    }
}
