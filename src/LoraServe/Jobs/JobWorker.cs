using LoraServe.Engine.Training;
using LoraServe.Keys;

namespace LoraServe.Jobs;

/// <summary>Runs one job of a kind at a time, on behalf of its owner, and stores the outcome.</summary>
internal sealed partial class JobWorker(
    JobStore store, JobOwners owners, JobEnding ending, JobActivity activity, LoraServeOptions options, ILogger<JobWorker> log)
{
    // Starts that neither ended nor reached a new checkpoint, which only the death of the process causes.
    private const int MostAttempts = 2;

    /// <summary>Reads and checks what a job needs.</summary>
    /// <param name="kind">Of the job.</param>
    /// <param name="job">As it was when its turn came.</param>
    /// <param name="trainer">Stays valid until this returns.</param>
    /// <param name="stopping">The server stops.</param>
    public Task ValidateAsync(JobKind kind, StoredJob job, LoraTrainer trainer, CancellationToken stopping) =>
        WorkAsync(kind, job, cancellation => CheckAsync(kind, job, trainer, cancellation), stopping);

    /// <summary>Does the work of a job.</summary>
    /// <inheritdoc cref="ValidateAsync"/>
    public Task RunAsync(JobKind kind, StoredJob job, LoraTrainer trainer, CancellationToken stopping) =>
        WorkAsync(kind, job, cancellation => FinishAsync(kind, job, trainer, cancellation), stopping);

    private async Task WorkAsync(JobKind kind, StoredJob job, Func<CancellationToken, Task> work, CancellationToken stopping)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        activity.Begin(job.Id, cancellation);
        var access = AdapterAccess.None;
        try
        {
            // It may have been interrupted before it could be told.
            if (store.Find(job.Id) is not { IsFinished: false, IsPaused: false }) return;
            var owner = owners.Of(job);
            access = owner.Access;
            // Its turn comes again, and then its owner's key is refused.
            using var watched = owners.Watch(owner, cancellation);
            Begin(job);
            await work(cancellation.Token);
        }
        // Paused, ended, or the server is stopping: the stored job says which.
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
            activity.End(job.Id, cancellation);
            // Afterwards: a caller that ends it from here on tidies up too.
            ending.Tidy(job.Id);
        }
    }

    // A job that kills the process, for example by running out of memory, would do so for ever.
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

    private async Task CheckAsync(JobKind kind, StoredJob job, LoraTrainer trainer, CancellationToken cancellation)
    {
        await kind.ValidateAsync(job, trainer, cancellation);
        store.Change(
            job.Id,
            found => found.IsFinished ? null : found with { Status = JobStatus.Queued, Attempts = 0 },
            new JobEvent("Files validated, moving job to queued state"));
        activity.Wake();
    }

    private async Task FinishAsync(JobKind kind, StoredJob job, LoraTrainer trainer, CancellationToken cancellation)
    {
        var isResumed = job.Status == JobStatus.Running;
        store.Change(
            job.Id,
            found => found.IsFinished || found.IsPaused ? null : found with { Status = JobStatus.Running },
            new JobEvent(isResumed ? "The server was restarted; the job goes on" : "Job started"));
        LogStarted(kind.Name, job.Id);
        var result = await kind.RunAsync(job, trainer, cancellation);
        End(
            job.Id,
            found => found with { Status = JobStatus.Succeeded, Result = result },
            new JobEvent("The job has successfully completed"));
        LogSucceeded(kind.Name, job.Id);
    }

    // It may have been ended at the last moment.
    private void End(string id, Func<StoredJob, StoredJob> change, JobEvent happened) =>
        ending.Change(id, found => found.IsFinished ? null : change(found), happened);

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
}
