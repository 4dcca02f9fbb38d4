using System.Collections.Concurrent;
using LoraServe.Jobs;

namespace LoraServe.Training;

/// <summary>The journals of running trainings.</summary>
internal sealed class TrainingJournals(
    JobStore store, JobFolders folders, TrainingMetrics metrics, TimeProvider time, ILogger<TrainingJournals> log)
{
    private static readonly TimeSpan LeastWait = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, TrainingJournal> _journals = new(StringComparer.Ordinal);

    /// <summary>The estimated end of a running job, never in the past; null while unknown.</summary>
    public DateTimeOffset? EstimatedFinish(string id)
    {
        // OpenAI's .NET library sleeps until then, and fails on a time in the past.
        var soon = time.GetUtcNow() + LeastWait;
        return _journals.GetValueOrDefault(id)?.EstimatedFinish is { } estimate ? (estimate > soon ? estimate : soon) : null;
    }

    /// <summary>Opens the journal of a job.</summary>
    /// <param name="id">The job.</param>
    /// <param name="steps">All steps of the training.</param>
    public TrainingJournal Begin(string id, int steps) =>
        _journals[id] = new TrainingJournal(store, metrics, new TrainingJournal.Run(id, folders.Of(id), steps), time, log);

    /// <summary>Closes the journal of a job.</summary>
    public void End(string id)
    {
        if (_journals.TryRemove(id, out var journal)) journal.Flush();
    }
}
