namespace LoraServe.Jobs;

/// <summary>Changes jobs in ways that may end them, which is counted once.</summary>
internal sealed class JobEnding(JobStore store, JobMetrics metrics, JobTidying tidying)
{
    /// <summary>Changes a job as it is at this moment.</summary>
    /// <param name="id">The job.</param>
    /// <param name="change">From what is stored to what shall be; what it throws, or null, leaves the job as it is.</param>
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

    /// <summary>Deletes what only a job that goes on needs, if the job has ended.</summary>
    public void Tidy(string id) => tidying.Tidy(id);
}
