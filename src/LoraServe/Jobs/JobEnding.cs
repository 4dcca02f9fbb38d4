namespace LoraServe.Jobs;

/// <summary>Changes that may end a job; its end is counted once.</summary>
internal sealed class JobEnding(JobStore store, JobMetrics metrics, JobTidying tidying)
{
    /// <summary>Changes a job as it is at this moment.</summary>
    /// <param name="id">The job.</param>
    /// <param name="change">From the stored job to the new one; null, or an exception, leaves the job unchanged.</param>
    /// <param name="happened">Stored with the change.</param>
    /// <returns>The job afterwards.</returns>
    /// <exception cref="UnknownJobException">It was deleted meanwhile.</exception>
    public StoredJob Change(string id, Func<StoredJob, StoredJob?> change, JobEvent happened)
    {
        var isEnd = false;
        var job = store.Change(
            id,
            found =>
            {
                var changed = change(found);
                isEnd = !found.IsFinished && changed is { IsFinished: true };
                return changed;
            },
            happened);
        if (isEnd) metrics.RecordEnd(job);
        return job;
    }

    /// <summary>Deletes what only a running job needs, if the job has ended.</summary>
    public void Tidy(string id) => tidying.Tidy(id);
}
