using System.Text.Json;
using LoraServe.Api;

namespace LoraServe.Jobs;

/// <summary>Background work that outlives the process. An immutable snapshot.</summary>
internal sealed record StoredJob
{
    public required string Id { get; init; }

    /// <summary>What the API calls such an object.</summary>
    public required string Kind { get; init; }

    /// <summary>The owner: id of a key, or a fixed id for callers without one.</summary>
    public required string Owner { get; init; }

    public required DateTimeOffset Created { get; init; }

    public DateTimeOffset? Finished { get; init; }

    public required JobStatus Status { get; init; }

    /// <summary>Whether it is paused; it is queued meanwhile.</summary>
    public bool IsPaused { get; init; }

    /// <summary>Starts since the last progress: more than one after the process died.</summary>
    public int Attempts { get; init; }

    /// <summary>The request, as JSON of its kind.</summary>
    public required string Request { get; init; }

    /// <summary>The state so far, as JSON of its kind.</summary>
    public string? Result { get; init; }

    /// <summary>Why the job failed; null if it did not.</summary>
    public JobError? Error { get; init; }

    /// <summary>Whether it has reached its final state.</summary>
    public bool IsFinished => Status is JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled;

    public T RequestAs<T>() => JsonSerializer.Deserialize<T>(Request, ApiJson.Options)!;

    public T ResultAs<T>()
        where T : new() => Result is null ? new T() : JsonSerializer.Deserialize<T>(Result, ApiJson.Options)!;
}

/// <summary>Why a job failed.</summary>
/// <param name="Code">For a program.</param>
/// <param name="Message">A message with every fault.</param>
/// <param name="Param">The field of the request at fault; null if there is none.</param>
internal sealed record JobError(string Code, string Message, string? Param);

/// <summary>A job cannot continue; the error says why.</summary>
internal sealed class JobFailedException(JobError error, Exception? cause = null) : Exception(error.Message, cause)
{
    public JobError Error { get; } = error;
}

/// <summary>No job that the caller may see has this id and kind.</summary>
internal sealed class UnknownJobException(string kind, string id) : Exception($"The {kind} '{id}' does not exist.");

/// <summary>The limit of unfinished jobs of a kind is reached.</summary>
internal sealed class JobQueueFullException(string message) : Exception(message);

/// <summary>The job's state does not allow what was requested; the message says why.</summary>
internal sealed class JobStateException(string message) : Exception(message);
