using System.Collections.Concurrent;
using System.Threading.Channels;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;

namespace LoraServe.Jobs;

/// <summary>
/// Works on jobs: of each kind, one is validated and one runs at a time, in the order in which they came. What was interrupted by the end
/// of the process, in whatever way, goes on at the next start.
/// </summary>
internal sealed partial class JobQueue(
    IEnumerable<JobKind> kinds,
    JobStore store,
    JobOwners owners,
    KeyWatch watch,
    EngineService service,
    JobMetrics metrics,
    JobTidying tidying,
    LoraServeOptions options,
    ILogger<JobQueue> log)
    : IHostedLifecycleService, IDisposable
{
    // Starts without an end or a new checkpoint, since only the death of the process ends one so.
    private const int MostAttempts = 2;
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, CancellationTokenSource> _working = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<ChannelWriter<bool>> _sleepers = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task _loops = Task.CompletedTask;

    /// <summary>Refuses what would be one job too many, before its files are copied.</summary>
    /// <exception cref="JobQueueFullException">Too many of this kind are not finished.</exception>
    public void CheckRoom(string kind, Caller owner) => store.CheckRoom(kind, owner, options.MaxQueuedJobs);

    /// <summary>Adds a job, which begins as soon as its turn comes.</summary>
    /// <exception cref="JobQueueFullException">Too many of this kind are not finished.</exception>
    public StoredJob Submit(string id, string kind, Caller owner, string request, string message)
    {
        var job = store.Add(id, kind, owner, request, options.MaxQueuedJobs);
        store.AddEvents(id, [new JobEvent(message)]);
        Wake();
        return job;
    }

    /// <summary>Ends a job, which keeps what it has.</summary>
    /// <exception cref="JobStateException">It has ended already.</exception>
    public StoredJob Cancel(StoredJob job) => Interrupt(job.Id, "Job cancelled", found => found with { Status = JobStatus.Cancelled });

    /// <summary>Holds a job until it is resumed; others go first.</summary>
    /// <exception cref="JobStateException">It has ended, or is held already.</exception>
    public StoredJob Pause(StoredJob job) => Interrupt(job.Id, "Job paused", found => found.IsPaused
        ? throw new JobStateException($"'{found.Id}' is paused already.")
        : found with { IsPaused = true, Status = found.Status == JobStatus.Running ? JobStatus.Queued : found.Status });

    /// <summary>Lets a job go on that was held.</summary>
    /// <exception cref="JobStateException">It has ended, or is not held.</exception>
    public StoredJob Resume(StoredJob job)
    {
        var resumed = store.Change(
            job.Id,
            found => Open(found).IsPaused ? found with { IsPaused = false } : throw new JobStateException($"'{found.Id}' is not paused."),
            new JobEvent("Job resumed"));
        Wake();
        return resumed;
    }

    /// <summary>Whether a job is being worked on, be it to end it.</summary>
    public bool IsWorkedOn(string id) => _working.ContainsKey(id);

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _loops = Task.WhenAll(kinds.SelectMany(kind => new[]
        {
            Task.Run(() => LoopAsync(kind, ValidateAsync, JobStatus.ValidatingFiles), CancellationToken.None),
            Task.Run(() => LoopAsync(kind, RunAsync, JobStatus.Running, JobStatus.Queued), CancellationToken.None),
        }));
        return Task.CompletedTask;
    }

    // Before the engine is stopped, so that what runs can leave a checkpoint.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _stopping.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It has been stopped before, and whoever stops it again finds nothing to wait for.
            return;
        }

        await Task.WhenAny(_loops, Task.Delay(Timeout.Infinite, cancellationToken));
    }

    public void Dispose() => _stopping.Dispose();

    Task IHostedLifecycleService.StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedLifecycleService.StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static StoredJob Open(StoredJob job) =>
        job.IsFinished ? throw new JobStateException($"'{job.Id}' has ended already: it is {JobStatusNames.Of(job.Status)}.") : job;

    private StoredJob Interrupt(string id, string message, Func<StoredJob, StoredJob> change)
    {
        var changed = store.Change(id, found => change(Open(found)), new JobEvent(message));
        if (changed.IsFinished) metrics.RecordEnd(changed);
        try
        {
            if (_working.TryGetValue(id, out var work)) work.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended in this moment.
        }

        // Whoever works on it tidies up in the end.
        if (!_working.ContainsKey(id)) tidying.Tidy(id);
        return changed;
    }

    private void Wake()
    {
        foreach (var sleeper in _sleepers) sleeper.TryWrite(true);
    }

    private async Task LoopAsync(
        JobKind kind, Func<JobKind, StoredJob, LlmEngine, CancellationToken, Task> work, params JobStatus[] states)
    {
        var wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        _sleepers.Add(wakes.Writer);
        try
        {
            var engine = await service.WhenReadyAsync(_stopping.Token);
            while (!_stopping.IsCancellationRequested)
            {
                try
                {
                    if (store.Next(kind.Name, states) is { } job) await WorkAsync(kind, job, engine, work);
                    else await wakes.Reader.ReadAsync(_stopping.Token);
                }
                // The disk may be full, or the engine busy: nothing is lost, and there may be room later. Whatever else it is, other jobs wait.
                catch (Exception e) when (!_stopping.IsCancellationRequested)
                {
                    LogWaiting(LoggedException.Describe(e));
                    await Task.Delay(RetryPeriod, _stopping.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async Task WorkAsync(
        JobKind kind, StoredJob job, LlmEngine engine, Func<JobKind, StoredJob, LlmEngine, CancellationToken, Task> work)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        _working[job.Id] = cancellation;
        var access = AdapterAccess.None;
        try
        {
            // Somebody may have interrupted it before it could be told.
            if (store.Find(job.Id) is not { IsFinished: false, IsPaused: false }) return;
            var owner = owners.Of(job);
            access = owner.Access;
            // Its turn comes again, and then its owner is no owner any more.
            using var watched = watch.Watch(owner, cancellation);
            Begin(job);
            await work(kind, job, engine, cancellation.Token);
        }
        // Paused, ended, or the server stops, and the engine with it: what is stored says which.
        catch (Exception e) when (cancellation.IsCancellationRequested)
        {
            store.Change(job.Id, found => found.IsFinished ? null : found with { Attempts = 0 });
            LogInterrupted(kind.Name, job.Id, e.GetType().Name);
        }
        catch (Exception e) when (JobErrors.IsTransient(e))
        {
            store.Change(job.Id, found => found.IsFinished ? null : found with { Attempts = 0 });
            throw;
        }
        catch (Exception e)
        {
            var error = JobErrors.Of(e, options.Data, access);
            if (error.Code == JobErrors.Internal) LogFailed(e, kind.Name, job.Id);
            End(
                job.Id,
                found => found with { Status = JobStatus.Failed, Error = error },
                new JobEvent(error.Message) { Level = JobEventLevel.Error });
            LogRefused(kind.Name, job.Id, error.Code);
        }
        finally
        {
            // The next loop may work on it already.
            _working.TryRemove(KeyValuePair.Create(job.Id, cancellation));
            // Afterwards: whoever ends it from here on tidies up too.
            tidying.Tidy(job.Id);
        }
    }

    // A job that ends the process, as for want of memory, would do so for ever.
    private void Begin(StoredJob job)
    {
        var begun = store.Change(job.Id, found => found.IsFinished ? null : found with { Attempts = found.Attempts + 1 });
        if (begun.Attempts <= MostAttempts) return;
        throw new JobFailedException(new JobError(
            "interrupted",
            $"The server ended {MostAttempts} times while it worked on this, and got nowhere in between, so that it is not begun again. The server's log "
                + "may say why: it may have run out of memory. Ask for it again with smaller settings, such as micro_batch_tokens.",
            null));
    }

    private async Task ValidateAsync(JobKind kind, StoredJob job, LlmEngine engine, CancellationToken cancellation)
    {
        await kind.ValidateAsync(job, engine, cancellation);
        store.Change(
            job.Id,
            found => found.IsFinished ? null : found with { Status = JobStatus.Queued, Attempts = 0 },
            new JobEvent("Files validated, moving job to queued state"));
        Wake();
    }

    private async Task RunAsync(JobKind kind, StoredJob job, LlmEngine engine, CancellationToken cancellation)
    {
        var isResumed = job.Status == JobStatus.Running;
        store.Change(
            job.Id,
            found => found.IsFinished || found.IsPaused ? null : found with { Status = JobStatus.Running },
            new JobEvent(isResumed ? "The server was restarted; the job goes on" : "Job started"));
        LogStarted(kind.Name, job.Id);
        var result = await kind.RunAsync(job, engine, cancellation);
        End(
            job.Id,
            found => found with { Status = JobStatus.Succeeded, Result = result },
            new JobEvent("The job has successfully completed"));
        LogSucceeded(kind.Name, job.Id);
    }

    // Somebody may have ended it in the last moment.
    private void End(string id, Func<StoredJob, StoredJob> change, JobEvent happened)
    {
        var isEnd = false;
        var job = store.Change(id, found => (isEnd = !found.IsFinished) ? change(found) : null, happened);
        if (isEnd) metrics.RecordEnd(job);
    }

    [LoggerMessage(LogLevel.Information, "{Kind} {Id} started")]
    private partial void LogStarted(string kind, string id);

    [LoggerMessage(LogLevel.Information, "{Kind} {Id} succeeded")]
    private partial void LogSucceeded(string kind, string id);

    [LoggerMessage(LogLevel.Information, "{Kind} {Id} was interrupted: {Reason}")]
    private partial void LogInterrupted(string kind, string id, string reason);

    [LoggerMessage(LogLevel.Warning, "{Kind} {Id} failed: {Code}")]
    private partial void LogRefused(string kind, string id, string code);

    [LoggerMessage(LogLevel.Error, "{Kind} {Id} failed")]
    private partial void LogFailed(Exception exception, string kind, string id);

    [LoggerMessage(LogLevel.Error, "Jobs wait: {Reason}")]
    private partial void LogWaiting(string reason);
}
