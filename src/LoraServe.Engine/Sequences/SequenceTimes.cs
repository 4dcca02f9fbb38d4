namespace LoraServe.Engine.Sequences;

/// <summary>When a sequence went through the engine: durations since it was submitted, by a monotonic clock.</summary>
public sealed record SequenceTimes
{
    /// <summary>When it was submitted, as a timestamp of <see cref="TimeProvider.System"/>.</summary>
    public required long Submitted { get; init; }

    /// <summary>When it first got its KV blocks; null if it ended before that.</summary>
    public TimeSpan? Admitted { get; init; }

    /// <summary>When its first token was chosen; null if there is none.</summary>
    public TimeSpan? FirstToken { get; init; }

    /// <summary>When it ended; null while it has not.</summary>
    public TimeSpan? Ended { get; init; }

    /// <summary>How often it made way for another adapter's, to be computed again later.</summary>
    public int Preemptions { get; init; }

    /// <summary>The wait for admission, which is all of its life where it was never admitted.</summary>
    public TimeSpan? Queue => Admitted ?? Ended;

    /// <summary>From admission to the first token, or to the end where there is none; null if it was never admitted.</summary>
    public TimeSpan? Prefill => (FirstToken ?? Ended) - Admitted;

    /// <summary>From the first token to the end; null if there is none.</summary>
    public TimeSpan? Decode => Ended - FirstToken;

    /// <summary>From admission to the end; null if it was never admitted.</summary>
    public TimeSpan? Inference => Ended - Admitted;
}
