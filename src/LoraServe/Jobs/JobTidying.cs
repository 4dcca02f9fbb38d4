namespace LoraServe.Jobs;

/// <summary>
/// Deletes what jobs have left in their folders, one job at a time: ending, running and deleting a job may happen at the same
/// moment. Safe for concurrent use.
/// </summary>
internal sealed partial class JobTidying(IEnumerable<JobKind> kinds, JobStore store, JobFolders folders, ILogger<JobTidying> log)
{
    private readonly Lock _deleting = new();

    /// <summary>Deletes what only a running job needs, if the job has ended. What cannot be deleted stays until the job is deleted.</summary>
    /// <param name="id">Of a job that may be gone.</param>
    public void Tidy(string id) => Try(id, () =>
    {
        // Read within the lock: the folder of an existing job belongs to it alone.
        if (store.Find(id) is { IsFinished: true } job) kinds.FirstOrDefault(kind => kind.Name == job.Kind)?.Tidy(job);
    });

    /// <summary>Deletes the folder of a job. What cannot be deleted moves into the trash at the next start.</summary>
    /// <param name="id">Of a job that is no more.</param>
    public void DeleteFolder(string id) => Try(id, () => folders.Delete(id));

    private void Try(string id, Action delete)
    {
        lock (_deleting)
        {
            try
            {
                delete();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogNotDeleted(id, e.Message);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Files of {Id} that are no longer needed could not be deleted: {Reason}")]
    private partial void LogNotDeleted(string id, string reason);
}
