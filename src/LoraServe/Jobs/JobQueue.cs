using LoraServe.Keys;

namespace LoraServe.Jobs;

/// <summary>Accepts, pauses, resumes and ends jobs for clients. <see cref="JobLoops"/> work on them.</summary>
internal sealed class JobQueue(JobStore store, JobEnding ending, JobActivity activity, LoraServeOptions options)
{
    /// <summary>Refuses one job too many, before its files are copied.</summary>
    /// <exception cref="JobQueueFullException">Too many of this kind are not finished.</exception>
    public void CheckRoom(string kind, Caller owner) => store.CheckRoom(kind, owner, options.MaxQueuedJobs);

    /// <summary>Adds a job, which starts when its turn comes.</summary>
    /// <exception cref="JobQueueFullException">Too many of this kind are not finished.</exception>
    public StoredJob Submit(string id, string kind, Caller owner, string request, string message)
    {
        var job = store.Add(id, kind, owner, request, options.MaxQueuedJobs);
        store.AddEvents(id, [new JobEvent(message)]);
        activity.Wake();
        return job;
    }

    /// <summary>Ends a job, which keeps what it has.</summary>
    /// <exception cref="JobStateException">The job has ended already.</exception>
    public StoredJob Cancel(StoredJob job) => Interrupt(job.Id, "Job cancelled", found => found with { Status = JobStatus.Cancelled });

    /// <summary>Pauses a job until it is resumed; others go first.</summary>
    /// <exception cref="JobStateException">The job has ended, or is paused already.</exception>
    public StoredJob Pause(StoredJob job) => Interrupt(job.Id, "Job paused", found => found.IsPaused
        ? throw new JobStateException($"'{found.Id}' is paused already.")
        : found with { IsPaused = true, Status = found.Status == JobStatus.Running ? JobStatus.Queued : found.Status });

    /// <summary>Resumes a paused job.</summary>
    /// <exception cref="JobStateException">The job has ended, or is not paused.</exception>
    public StoredJob Resume(StoredJob job)
    {
        var resumed = store.Change(
            job.Id,
            found => Open(found).IsPaused ? found with { IsPaused = false } : throw new JobStateException($"'{found.Id}' is not paused."),
            new JobEvent("Job resumed"));
        activity.Wake();
        return resumed;
    }

    /// <summary>Whether a job is being worked on, also when it is being ended.</summary>
    public bool IsWorkedOn(string id) => activity.IsWorkedOn(id);

    private static StoredJob Open(StoredJob job) =>
        job.IsFinished ? throw new JobStateException($"'{job.Id}' has ended already: it is {JobStatusNames.Of(job.Status)}.") : job;

    private StoredJob Interrupt(string id, string message, Func<StoredJob, StoredJob> change)
    {
        var changed = ending.Change(id, found => change(Open(found)), new JobEvent(message));
        activity.Interrupt(id);
        // The loop that works on it tidies up in the end.
        if (!activity.IsWorkedOn(id)) ending.Tidy(id);
        return changed;
    }
}
