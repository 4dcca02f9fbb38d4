using System.Collections.Concurrent;
using LoraServe.Jobs;

namespace LoraServe.Training;

/// <summary>The journals of the trainings that run.</summary>
internal sealed class TrainingJournals(
    JobStore store, JobFolders folders, TrainingMetrics metrics, TimeProvider time, ILogger<TrainingJournals> log)
{
    private static readonly TimeSpan LeastWait = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, TrainingJournal> _journals = new(StringComparer.Ordinal);

    /// <summary>When a job that runs will end, never in the past; null as long as that is unknown.</summary>
    public DateTimeOffset? EstimatedFinish(string id)
    {
        // OpenAI's library for .NET sleeps until then, and cannot sleep for less than no time.
        var soon = time.GetUtcNow() + LeastWait;
        return _journals.GetValueOrDefault(id)?.EstimatedFinish is { } estimate ? (estimate > soon ? estimate : soon) : null;
    }

    /// <summary>Begins the journal of a job.</summary>
    /// <param name="id">The job.</param>
    /// <param name="steps">All that the training will make.</param>
    public TrainingJournal Begin(string id, int steps) =>
        _journals[id] = new TrainingJournal(store, metrics, new TrainingJournal.Run(id, folders.Of(id), steps), time, log);

    /// <summary>The training of a job does not run any more.</summary>
    public void End(string id)
    {
        if (_journals.TryRemove(id, out var journal)) journal.Flush();
    }
}
