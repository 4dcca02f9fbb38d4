namespace LoraServe.Engine.Training;

/// <summary>Lets somebody else hold a training between two steps.</summary>
public sealed class TrainingControl
{
    private readonly Lock _lock = new();
    private volatile TaskCompletionSource _running = Completed();

    /// <summary>Whether it is to be held.</summary>
    public bool IsPaused => !_running.Task.IsCompleted;

    /// <summary>Holds the training after the step that is being made. A checkpoint is saved then.</summary>
    public void Pause()
    {
        // Two at once would leave one that waits for what nobody completes.
        lock (_lock)
        {
            if (!IsPaused) _running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Lets it go on.</summary>
    public void Resume()
    {
        lock (_lock) _running.TrySetResult();
    }

    /// <summary>Completes when it is not held.</summary>
    internal Task WhenRunningAsync(CancellationToken cancellationToken) => _running.Task.WaitAsync(cancellationToken);

    private static TaskCompletionSource Completed()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }
}
