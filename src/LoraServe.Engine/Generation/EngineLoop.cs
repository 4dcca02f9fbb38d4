using System.Diagnostics;
using System.Threading.Channels;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <summary>
/// The thread that owns every tensor. Commands reach it by a channel, results leave by each sequence's own channel, and everybody else sees
/// only snapshots. TorchSharp's dispose scopes and inference mode belong to a thread, hence a thread of its own and no await.
/// </summary>
internal sealed partial class EngineLoop : IDisposable
{
    private static readonly TimeSpan IdlePeriod = TimeSpan.FromMilliseconds(250);

    private readonly Channel<Action> _commands = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Scheduler _scheduler;
    private readonly ModelRunner _runner;
    private readonly Sampler _sampler;
    private readonly KvBlockPool _blocks;
    private readonly MergeService _merging;
    private readonly BackgroundWork _background;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private readonly List<TaskCompletionSource> _idleWaiters = [];
    private EngineStatus _status;
    private long _sent;
    private long _received;

    /// <summary>Starts the thread.</summary>
    public EngineLoop(
        Scheduler scheduler,
        ModelRunner runner,
        Sampler sampler,
        KvBlockPool blocks,
        MergeService merging,
        BackgroundWork background,
        ILogger logger)
    {
        (_scheduler, _runner, _sampler, _blocks, _merging, _logger) = (scheduler, runner, sampler, blocks, merging, logger);
        _background = background;
        _status = Snapshot();
        _thread = new Thread(Run) { Name = "LoraServe engine", IsBackground = true };
        _thread.Start();
    }

    /// <summary>
    /// Told of each batch that was computed, and of the tokens that were chosen for its rows, on the engine's thread, before any reader gets
    /// them.
    /// </summary>
    public Action<Batch, IReadOnlyList<SampledToken?>>? Computed { get; set; }

    /// <summary>The latest snapshot, with the sequences that were handed over and are not part of it yet.</summary>
    public EngineStatus Status
    {
        get
        {
            // In this order: the snapshot's sequences were all sent before.
            var status = Volatile.Read(ref _status);
            return status with { Arriving = (int)(Volatile.Read(ref _sent) - status.Received) };
        }
    }

    /// <summary>
    /// Hands over a sequence, which ends with an error where the scheduler refuses it; false when the loop has been stopped.
    /// </summary>
    public bool Add(Sequence sequence)
    {
        Interlocked.Increment(ref _sent);
        var sent = _commands.Writer.TryWrite(() => Accept(sequence));
        if (!sent) Interlocked.Decrement(ref _sent);
        return sent;
    }

    /// <summary>Ends a sequence wherever it is; does nothing if it has ended.</summary>
    public void Cancel(long sequenceId) => _commands.Writer.TryWrite(() =>
    {
        if (!_scheduler.Cancel(sequenceId)) _merging.Cancel(sequenceId);
    });

    /// <summary>Runs a function on the engine's thread, between two steps.</summary>
    public Task<T> InvokeAsync<T>(Func<T> function)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var sent = _commands.Writer.TryWrite(() =>
        {
            try
            {
                result.SetResult(function());
            }
            catch (Exception e)
            {
                result.SetException(e);
            }
        });
        if (!sent) result.SetException(new EngineOverloadedException("The engine has been stopped."));
        return result.Task;
    }

    /// <summary>Runs work in slices on the engine's thread, see <see cref="BackgroundWork"/>.</summary>
    /// <param name="work">Stays the caller's.</param>
    /// <param name="cancellationToken">Ends it between two slices.</param>
    /// <param name="leastShare">Its least share of the time while requests wait; 0: none of its own.</param>
    public Task RunInBackgroundAsync(ISlicedWork work, CancellationToken cancellationToken, double leastShare = 0)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_commands.Writer.TryWrite(() => _background.Add(work, done, cancellationToken, leastShare)))
            done.SetException(new EngineOverloadedException("The engine has been stopped."));
        return done.Task;
    }

    /// <summary>Completes when no sequence is waiting or running.</summary>
    public Task WhenIdleAsync()
    {
        var idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_commands.Writer.TryWrite(() => _idleWaiters.Add(idle))) idle.SetResult();
        return idle.Task;
    }

    /// <summary>Takes up what was sent before, fails what is left and ends the thread.</summary>
    public void Dispose()
    {
        _commands.Writer.TryComplete();
        _thread.Join();
    }

    private void Run()
    {
        using var mode = inference_mode();
        // Complete once nobody can send and everything sent was taken up: no accepted command is left behind.
        while (!_commands.Reader.Completion.IsCompleted)
        {
            try
            {
                TakeCommands();
                if (_scheduler.HasWork) Step();
                _merging.Advance();
                WorkInBackground();
            }
            catch (Exception e)
            {
                // Not a matter of one batch: the bookkeeping itself went wrong, and starting over from nothing is the only safe state.
                LogLoopFailed(_logger, e);
                FailAll(e);
            }

            Volatile.Write(ref _status, Snapshot());
        }

        var stopped = new EngineOverloadedException("The engine has been stopped.");
        FailAll(stopped);
        _background.FailAll(stopped);
        _merging.Dispose();
        foreach (var idle in _idleWaiters) idle.TrySetResult();
        Volatile.Write(ref _status, Snapshot());
    }

    private void Accept(Sequence sequence)
    {
        _received++;
        try
        {
            _merging.Admit(sequence, Schedule, Refuse);
        }
        catch (Exception e)
        {
            _scheduler.Fail(sequence, e);
        }
    }

    private void Schedule(Sequence sequence)
    {
        try
        {
            _scheduler.Add(sequence);
        }
        catch (Exception e)
        {
            _scheduler.Fail(sequence, e);
        }
    }

    // It waited for a merge, so that the scheduler does not know it.
    private static void Refuse(Sequence sequence, Exception error) => sequence.End(error switch
    {
        OperationCanceledException => null,
        MergedSlotsFullException => error,
        _ => new GenerationFailedException($"Generation failed: {error.Message}", error),
    });

    // Background work has no part in the bookkeeping of sequences, and goes on.
    private void FailAll(Exception error)
    {
        _scheduler.FailAll(error);
        _merging.FailAll(error);
    }

    private void Step()
    {
        var batch = _scheduler.Schedule();
        try
        {
            var plan = _merging.Plan(batch);
            var start = Stopwatch.GetTimestamp();
            using var logits = _runner.Run(batch, plan.AdapterOf);
            _merging.Observe(batch, plan, Stopwatch.GetElapsedTime(start));
            var tokens = Sample(batch, logits);
            Tell(batch, tokens);
            _scheduler.Complete(batch, tokens);
            _background.Served(Stopwatch.GetElapsedTime(start));
        }
        catch (Exception e)
        {
            LogStepFailed(_logger, e, batch.Rows.Count);
            _scheduler.Fail(batch, e);
        }

        // At once: a client that has its answer may ask what the server does.
        Volatile.Write(ref _status, Snapshot());
    }

    // As many slices as are due, but only one where somebody has come meanwhile.
    private void WorkInBackground()
    {
        var requestsWait = _scheduler.HasWork || _merging.Waiting > 0;
        do _background.Advance(requestsWait);
        while (requestsWait && _background.IsDue(requestsWait) && !_commands.Reader.TryPeek(out _));
    }

    // Who counts is no part of what is counted.
    private void Tell(Batch batch, SampledToken?[] tokens)
    {
        try
        {
            Computed?.Invoke(batch, tokens);
        }
        catch (Exception e)
        {
            LogNotCounted(_logger, e);
        }
    }

    private SampledToken?[] Sample(Batch batch, BatchLogits logits)
    {
        var tokens = new SampledToken?[batch.Rows.Count];
        var failed = new List<(Sequence Sequence, Exception Error)>();
        for (var i = 0; i < tokens.Length; i++)
        {
            var row = batch.Rows[i];
            try
            {
                var sampling = row.Sequence.Request.Sampling;
                for (var j = 0; j < row.PromptLogprobCount; j++)
                {
                    var next = row.Sequence.Tokens[row.Start + j + 1];
                    row.Sequence.AddPromptLogprobs(LogSoftmax.Logprobs(logits.Of(i, j), next, sampling.PromptLogprobs!.Value));
                }

                if (row.SamplesToken) tokens[i] = _sampler.Sample(logits.Of(i, row.LogitsCount - 1), row.Sequence.SamplingState);
            }
            catch (Exception e)
            {
                LogSampleFailed(_logger, e, row.Sequence.Id);
                failed.Add((row.Sequence, NamingAdapter(e, row.Sequence.Request.Adapter)));
            }
        }

        // Only now: the logits of other rows may be computed together with theirs, which takes their adapters.
        foreach (var (sequence, error) in failed) _scheduler.Fail(sequence, error);

        return tokens;
    }

    // Only the adapter can be the reason where the base alone works, and only its name tells a person which one.
    private static Exception NamingAdapter(Exception error, AdapterLease adapter) => error is NotFiniteNumberException && !adapter.IsBase
        ? new GenerationFailedException($"Generation with the adapter '{adapter.Name}' failed: {error.Message}", error)
        : error;

    // Waits for a command only when there is nothing else to do.
    private void TakeCommands()
    {
        if (!_scheduler.HasWork && !_merging.HasWork)
        {
            foreach (var idle in _idleWaiters) idle.TrySetResult();
            _idleWaiters.Clear();
            if (!_background.HasWork) WaitForCommand();
        }

        while (_commands.Reader.TryRead(out var command)) command();
        Volatile.Write(ref _status, Snapshot());
    }

    private void WaitForCommand()
    {
        var sent = _commands.Reader.WaitToReadAsync().AsTask();
        // Merged weights that nobody needs go even where nobody sends anything.
        while (!sent.Wait(IdlePeriod)) _merging.Advance();
    }

    private EngineStatus Snapshot() => new(_scheduler.Running, _scheduler.Waiting + _merging.Waiting, _blocks.Used, _blocks.Count)
    {
        RunningAdapters = _scheduler.RunningAdapters,
        WaitingAdapters = _merging.WaitingAdapters is { Count: > 0 } merging
            ? [.. _scheduler.WaitingAdapters.Union(merging)]
            : _scheduler.WaitingAdapters,
        KvBlocksCached = _blocks.Cached,
        PrefixCacheQueries = _scheduler.PrefixCacheQueries,
        PrefixCacheHits = _scheduler.PrefixCacheHits,
        Preemptions = _scheduler.Preemptions,
        Received = _received,
    };

    [LoggerMessage(LogLevel.Error, "Sampling for sequence {Sequence} failed; it is ended, the others go on")]
    private static partial void LogSampleFailed(ILogger logger, Exception exception, long sequence);

    [LoggerMessage(LogLevel.Error, "A step is missing in metrics; its sequences go on")]
    private static partial void LogNotCounted(ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Critical, "The engine's loop failed; all sequences are ended and it goes on with none")]
    private static partial void LogLoopFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Error, "A step of {Sequences} sequences failed; they are ended, the others go on")]
    private static partial void LogStepFailed(ILogger logger, Exception exception, int sequences);
}
