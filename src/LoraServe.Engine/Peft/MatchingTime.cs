using System.Diagnostics;
using System.Text.RegularExpressions;

namespace LoraServe.Engine.Peft;

/// <summary>The total time limit for matching all regular expressions of one configuration against all modules.</summary>
internal sealed class MatchingTime
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(2);

    private TimeSpan _used;

    /// <summary>Counts time until it is disposed.</summary>
    /// <exception cref="RegexMatchTimeoutException">There is none left.</exception>
    public Matching Begin() => _used < Most
        ? new Matching(this, Stopwatch.GetTimestamp())
        : throw new RegexMatchTimeoutException($"Regular expressions have taken {_used.TotalSeconds:0.0} seconds.");

    /// <summary>A running match.</summary>
    public readonly ref struct Matching(MatchingTime time, long start)
    {
        public void Dispose() => time._used += Stopwatch.GetElapsedTime(start);
    }
}
