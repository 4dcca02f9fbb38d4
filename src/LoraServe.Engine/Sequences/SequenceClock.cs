namespace LoraServe.Engine.Sequences;

/// <summary>Records the times of one sequence. For the engine's thread only, except <see cref="Times"/>, which any thread may read.</summary>
internal sealed class SequenceClock
{
    private readonly TimeProvider _time;
    private SequenceTimes _times;
    private TimeSpan _lastToken;

    /// <summary>Starts the clock when the sequence is submitted.</summary>
    public SequenceClock(TimeProvider time)
    {
        _time = time;
        _times = new SequenceTimes { Submitted = time.GetTimestamp() };
    }

    /// <summary>The times recorded so far.</summary>
    public SequenceTimes Times => Volatile.Read(ref _times);

    /// <summary>The time since its last token; null before the first.</summary>
    public TimeSpan? SinceToken => _times.FirstToken is null ? null : Now - _lastToken;

    private TimeSpan Now => _time.GetElapsedTime(_times.Submitted);

    /// <summary>Records that it got its KV blocks; only the first call counts.</summary>
    public void Admit()
    {
        if (_times.Admitted is null) Set(_times with { Admitted = Now });
    }

    /// <summary>Records a preemption.</summary>
    public void Preempt() => Set(_times with { Preemptions = _times.Preemptions + 1 });

    /// <summary>Records a token.</summary>
    public void AddToken()
    {
        var now = Now;
        if (_times.FirstToken is null) Set(_times with { FirstToken = now });
        _lastToken = now;
    }

    /// <summary>Records its end.</summary>
    public void End() => Set(_times with { Ended = Now });

    private void Set(SequenceTimes times) => Volatile.Write(ref _times, times);
}
