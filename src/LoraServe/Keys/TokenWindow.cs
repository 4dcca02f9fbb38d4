namespace LoraServe.Keys;

/// <summary>
/// The tokens that a key may still read and write within any minute. A request is admitted while any are left, and holds the most
/// that it can use until it ends; then it is charged for what it used. So concurrent requests together exceed the limit by less
/// than one of them, as long as none uses more than it held. Safe for concurrent use.
/// </summary>
internal sealed class TokenWindow(long limit, TimeProvider time)
{
    private const int Seconds = 60;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    // Tokens by the second in which they were charged, as a ring.
    private readonly long[] _used = new long[Seconds];
    private long _second = Second(time);
    private long _reserved;

    /// <summary>Tokens left; negative if the last request exceeded the limit.</summary>
    public long Remaining
    {
        get
        {
            lock (_lock)
            {
                Advance();
                return limit - _reserved - _used.Sum();
            }
        }
    }

    /// <summary>The time until all use so far has left the window; at least a second while requests run.</summary>
    public TimeSpan Reset
    {
        get
        {
            lock (_lock) return AtLeast(_reserved > 0 ? Soon : TimeSpan.Zero, Until(static _ => false));
        }
    }

    /// <summary>
    /// The time until enough use has left the window; a second where only running requests are in the way, whose end is not
    /// knows.
    /// </summary>
    public TimeSpan RetryAfter => AtLeast(Soon, Until(left => left > 0));

    /// <summary>Admits a request that uses at most this many tokens; null if none are left.</summary>
    public Reservation? TryReserve(long most)
    {
        lock (_lock)
        {
            if (Remaining <= 0) return null;
            _reserved += most;
            return new Reservation(this, most);
        }
    }

    private static TimeSpan AtLeast(TimeSpan least, TimeSpan time) => time > least ? time : least;

    // From the oldest second on, as they leave the window.
    private TimeSpan Until(Func<long, bool> isEnough)
    {
        lock (_lock)
        {
            var left = Remaining + _reserved;
            var wait = 0;
            for (var age = Seconds - 1; age >= 0 && !isEnough(left); age--)
            {
                var tokens = _used[(_second - age + Seconds) % Seconds];
                if (tokens == 0) continue;
                left += tokens;
                wait = Seconds - age;
            }

            return TimeSpan.FromSeconds(wait);
        }
    }

    private void Settle(long reserved, long used)
    {
        lock (_lock)
        {
            Advance();
            _reserved -= reserved;
            _used[_second % Seconds] += used;
        }
    }

    private void Advance()
    {
        var now = Second(time);
        for (var steps = Math.Min(now - _second, Seconds); steps > 0; steps--) _used[(now - steps + 1) % Seconds] = 0;
        _second = Math.Max(_second, now);
    }

    private static long Second(TimeProvider time) => (long)time.GetElapsedTime(0).TotalSeconds + Seconds;

    /// <summary>The tokens that one request holds. Settle or dispose it; a second call does nothing.</summary>
    public sealed class Reservation(TokenWindow window, long most) : IDisposable
    {
        private int _settled;

        /// <summary>Charges what was used.</summary>
        public void Settle(long used)
        {
            if (Interlocked.Exchange(ref _settled, 1) == 0) window.Settle(most, used);
        }

        /// <summary>Charges nothing, if nothing was charged yet.</summary>
        public void Dispose() => Settle(0);
    }
}
