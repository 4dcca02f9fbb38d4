using LoraServe.Audit;
using LoraServe.Keys;

namespace LoraServe.Jobs;

/// <summary>Deletes jobs that have ended, with their folders.</summary>
internal sealed class JobDeletion(JobStore jobs, JobQueue queue, JobTidying tidying, AuditLog audit)
{
    // A cancelled job ends after the current slice and a checkpoint.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <summary>Deletes a job of the caller.</summary>
    /// <param name="context">The request.</param>
    /// <param name="kind">What the API calls it.</param>
    /// <param name="id">Of the job.</param>
    /// <exception cref="UnknownJobException">The caller has no such job.</exception>
    /// <exception cref="JobNotEndedException">It has not ended.</exception>
    /// <exception cref="IOException">It cannot be deleted; nothing was changed.</exception>
    public async Task<DeletedJob> DeleteAsync(HttpContext context, string kind, string id)
    {
        var caller = context.User.Caller();
        var job = jobs.Get(kind, id, caller);
        JobNotEndedException.Check(job);
        using (var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted))
        {
            patience.CancelAfter(Patience);
            while (queue.IsWorkedOn(id))
            {
                if (patience.IsCancellationRequested) throw new JobNotEndedException($"'{id}' is still being ended: ask again in a moment.");
                await Task.Delay(Poll, CancellationToken.None);
            }
        }

        jobs.Delete(job);
        // The job is gone from here on, even if its folder stays.
        audit.Record(caller, AuditAction.JobDeleted, id, context: context);
        tidying.DeleteFolder(id);
        return new DeletedJob { Id = id, Object = kind };
    }
}

/// <summary>A job that was deleted.</summary>
public sealed record DeletedJob
{
    /// <summary>Its id.</summary>
    /// <example>ftjob-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public required string Id { get; init; }

    /// <summary>What it was: fine_tuning.job, evaluation or rank_study.</summary>
    /// <example>fine_tuning.job</example>
    public required string Object { get; init; }

    /// <summary>Always true.</summary>
    /// <example>true</example>
    public bool Deleted => true;
}

/// <summary>A job cannot be deleted, since it has not ended.</summary>
internal sealed class JobNotEndedException(string message) : Exception(message)
{
    /// <summary>Rejects a job that has not ended.</summary>
    /// <exception cref="JobNotEndedException">The job has not ended.</exception>
    public static void Check(StoredJob job)
    {
        if (job.IsFinished) return;
        throw new JobNotEndedException($"'{job.Id}' is {(job.IsPaused ? "paused" : JobStatusNames.Of(job.Status))}: cancel it first.");
    }
}
