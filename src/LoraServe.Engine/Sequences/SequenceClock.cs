namespace LoraServe.Engine.Sequences;

/// <summary>Takes the times of one sequence. Belongs to the engine's thread but for <see cref="Times"/>, which any thread may read.</summary>
internal sealed class SequenceClock
{
    private readonly TimeProvider _time;
    private SequenceTimes _times;
    private TimeSpan _lastToken;

    /// <summary>The sequence is submitted now.</summary>
    public SequenceClock(TimeProvider time)
    {
        _time = time;
        _times = new SequenceTimes { Submitted = time.GetTimestamp() };
    }

    /// <summary>What is known so far.</summary>
    public SequenceTimes Times => Volatile.Read(ref _times);

    /// <summary>Since its last token; null before there is one.</summary>
    public TimeSpan? SinceToken => _times.FirstToken is null ? null : Now - _lastToken;

    private TimeSpan Now => _time.GetElapsedTime(_times.Submitted);

    /// <summary>It got its KV blocks; only the first time counts.</summary>
    public void Admit()
    {
        if (_times.Admitted is null) Set(_times with { Admitted = Now });
    }

    /// <summary>It lost them again.</summary>
    public void Preempt() => Set(_times with { Preemptions = _times.Preemptions + 1 });

    /// <summary>A token was chosen.</summary>
    public void AddToken()
    {
        var now = Now;
        if (_times.FirstToken is null) Set(_times with { FirstToken = now });
        _lastToken = now;
    }

    /// <summary>It ended.</summary>
    public void End() => Set(_times with { Ended = Now });

    private void Set(SequenceTimes times) => Volatile.Write(ref _times, times);
}
