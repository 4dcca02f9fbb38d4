using System.Diagnostics;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <summary>
/// The thread that owns every tensor. Commands reach it by a channel, tokens leave by each sequence's own channel, and other threads see only
/// snapshots. TorchSharp's dispose scopes and inference mode belong to a thread, hence a thread of its own and no await.
/// </summary>
internal sealed partial class EngineLoop : IDisposable
{
    // How often an idle engine looks for merged weights that can go. They are kept for a minute, so that this is soon enough.
    private static readonly TimeSpan IdlePeriod = TimeSpan.FromMilliseconds(250);

    private readonly EngineCommands _commands = new();
    private readonly Scheduler _scheduler;
    private readonly SequenceIntake _intake;
    private readonly StepRunner _runner;
    private readonly MergeService _merging;
    private readonly BackgroundWork _background;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private readonly List<TaskCompletionSource> _idleWaiters = [];
    private Snapshot _published;
    private long _sent;

    /// <summary>Starts the thread.</summary>
    public EngineLoop(Scheduler scheduler, StepRunner runner, MergeService merging, BackgroundWork background, ILogger logger)
    {
        (_scheduler, _runner, _merging, _background, _logger) = (scheduler, runner, merging, background, logger);
        _intake = new SequenceIntake(scheduler, merging);
        _published = new Snapshot(_intake.Status);
        _thread = new Thread(Run) { Name = "LoraServe engine", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The latest snapshot, with the sequences that were handed over and are not part of it yet.</summary>
    public EngineStatus Status
    {
        get
        {
            // In this order: the snapshot's sequences were all sent before.
            var status = Volatile.Read(ref _published).Status;
            return status with { Arriving = (int)(Volatile.Read(ref _sent) - status.Received) };
        }
    }

    /// <summary>Hands over a sequence, which ends with an error where the scheduler refuses it; false when the loop has been stopped.</summary>
    public bool Add(Sequence sequence)
    {
        Interlocked.Increment(ref _sent);
        var isSent = _commands.TrySend(() => _intake.Add(sequence));
        if (!isSent) Interlocked.Decrement(ref _sent);
        return isSent;
    }

    /// <summary>Ends a sequence wherever it is; does nothing if it has ended.</summary>
    public void Cancel(long sequenceId) => _commands.TrySend(() => _intake.Cancel(sequenceId));

    /// <summary>Runs a function on the engine's thread, between two steps.</summary>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public Task<T> InvokeAsync<T>(Func<T> function) => _commands.InvokeAsync(function);

    /// <inheritdoc cref="InvokeAsync{T}(Func{T})"/>
    public Task InvokeAsync(Action action) => _commands.InvokeAsync(action);

    /// <summary>Runs work in slices on the engine's thread, see <see cref="BackgroundWork"/>.</summary>
    /// <param name="work">Stays the caller's.</param>
    /// <param name="cancellationToken">Ends it between two slices.</param>
    /// <param name="leastShare">Its least share of the time while requests wait; 0: none of its own.</param>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public Task RunInBackgroundAsync(ISlicedWork work, CancellationToken cancellationToken, double leastShare = 0)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_commands.TrySend(() => _background.Add(work, done, cancellationToken, leastShare)))
            done.SetException(new EngineOverloadedException("The engine has been stopped."));
        return done.Task;
    }

    /// <summary>Completes when no sequence is waiting or running.</summary>
    public Task WhenIdleAsync()
    {
        var idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_commands.TrySend(() => _idleWaiters.Add(idle))) idle.SetResult();
        return idle.Task;
    }

    /// <summary>Runs the commands that were sent, fails what is left and ends the thread.</summary>
    public void Dispose()
    {
        _commands.Close();
        _thread.Join();
    }

    private void Run()
    {
        using var mode = inference_mode();
        while (!_commands.AreOver)
        {
            try
            {
                RunCommands();
                if (_scheduler.HasWork) Step();
                _intake.AdvanceMerges();
                WorkInBackground();
            }
            catch (Exception e)
            {
                // Not a matter of one batch: the bookkeeping itself went wrong, and starting over from nothing is the only safe state.
                // Background work is not part of it, and continues.
                LogLoopFailed(_logger, e);
                _intake.FailAll(e);
            }

            Publish();
        }

        var stopped = new EngineOverloadedException("The engine has been stopped.");
        _intake.FailAll(stopped);
        _background.FailAll(stopped);
        _merging.Dispose();
        EndIdleWaits();
        Publish();
    }

    // Waits for a command only when there is nothing else to do.
    private void RunCommands()
    {
        if (!_intake.HasWork)
        {
            EndIdleWaits();
            if (!_background.HasWork) WaitForCommand();
        }

        _commands.Run();
        Publish();
    }

    private void WaitForCommand()
    {
        var command = _commands.WaitAsync();
        while (!command.Wait(IdlePeriod)) _intake.AdvanceMerges();
    }

    private void Step()
    {
        var batch = _scheduler.Schedule();
        try
        {
            var start = Stopwatch.GetTimestamp();
            var tokens = _runner.Run(batch);
            _scheduler.Complete(batch, tokens);
            _background.Served(Stopwatch.GetElapsedTime(start));
        }
        catch (Exception e)
        {
            LogStepFailed(_logger, e, batch.Rows.Count);
            _scheduler.Fail(batch, e);
        }

        // At once: a client that has its answer may ask what the server does.
        Publish();
    }

    // As many slices as are due, but only one where a command waits.
    private void WorkInBackground()
    {
        var requestsWait = _intake.RequestsWait;
        do _background.Advance(requestsWait);
        while (requestsWait && _background.IsDue(requestsWait) && !_commands.HasAny);
    }

    private void EndIdleWaits()
    {
        foreach (var idle in _idleWaiters) idle.TrySetResult();
        _idleWaiters.Clear();
    }

    // Most steps change nothing of it.
    private void Publish()
    {
        var status = _intake.Status;
        if (status != _published.Status) Volatile.Write(ref _published, new Snapshot(status));
    }

    /// <summary>What other threads read whole.</summary>
    private sealed record Snapshot(EngineStatus Status);

    [LoggerMessage(LogLevel.Critical, "The engine's loop failed; all sequences are ended and it goes on with none")]
    private static partial void LogLoopFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Error, "A step of {Sequences} sequences failed; they are ended, the others go on")]
    private static partial void LogStepFailed(ILogger logger, Exception exception, int sequences);
}
