namespace LoraServe.Engine.Sequences;

/// <summary>The timing of a sequence in the engine: durations since submission, by a monotonic clock.</summary>
public sealed record SequenceTimes
{
    /// <summary>When it was submitted, as a timestamp of <see cref="TimeProvider.System"/>.</summary>
    public required long Submitted { get; init; }

    /// <summary>When it first got its KV blocks; null if it ended before that.</summary>
    public TimeSpan? Admitted { get; init; }

    /// <summary>When its first token was sampled; null if there is none.</summary>
    public TimeSpan? FirstToken { get; init; }

    /// <summary>When it ended; null while it runs.</summary>
    public TimeSpan? Ended { get; init; }

    /// <summary>How often it was preempted, to be recomputed later.</summary>
    public int Preemptions { get; init; }

    /// <summary>The wait for admission, or the whole time if it was never admitted.</summary>
    public TimeSpan? Queue => Admitted ?? Ended;

    /// <summary>From admission to the first token, or to the end if there is none; null if it was never admitted.</summary>
    public TimeSpan? Prefill => (FirstToken ?? Ended) - Admitted;

    /// <summary>From the first token to the end; null if there is none.</summary>
    public TimeSpan? Decode => Ended - FirstToken;

    /// <summary>From admission to the end; null if it was never admitted.</summary>
    public TimeSpan? Inference => Ended - Admitted;
}
