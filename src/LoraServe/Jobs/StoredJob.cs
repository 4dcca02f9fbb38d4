using System.Text.Json;
using LoraServe.Api;

namespace LoraServe.Jobs;

/// <summary>Something that is worked on in the background and outlives the process, as it was when it was read.</summary>
internal sealed record StoredJob
{
    public required string Id { get; init; }

    /// <summary>What the API calls such an object.</summary>
    public required string Kind { get; init; }

    /// <summary>Whose it is: id of a key, or what stands for one.</summary>
    public required string Owner { get; init; }

    public required DateTimeOffset Created { get; init; }

    public DateTimeOffset? Finished { get; init; }

    public required JobStatus Status { get; init; }

    /// <summary>Whether somebody holds it; it is queued meanwhile.</summary>
    public bool IsPaused { get; init; }

    /// <summary>How often it was begun since it last got somewhere: more than once after the process died.</summary>
    public int Attempts { get; init; }

    /// <summary>What was asked for, as JSON of its kind.</summary>
    public required string Request { get; init; }

    /// <summary>What is known of it so far, as JSON of its kind.</summary>
    public string? Result { get; init; }

    /// <summary>Why it failed; null if it did not.</summary>
    public JobError? Error { get; init; }

    /// <summary>Whether nothing can change it any more.</summary>
    public bool IsFinished => Status is JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled;

    public T RequestAs<T>() => JsonSerializer.Deserialize<T>(Request, ApiJson.Options)!;

    public T ResultAs<T>()
        where T : new() => Result is null ? new T() : JsonSerializer.Deserialize<T>(Result, ApiJson.Options)!;
}

/// <summary>Why a job failed.</summary>
/// <param name="Code">For a program.</param>
/// <param name="Message">For a person, with every fault.</param>
/// <param name="Param">The field of the request at fault; null if there is none.</param>
internal sealed record JobError(string Code, string Message, string? Param);

/// <summary>A job cannot go on; the error says why.</summary>
internal sealed class JobFailedException(JobError error, Exception? cause = null) : Exception(error.Message, cause)
{
    public JobError Error { get; } = error;
}

/// <summary>Nobody has a job of this id and kind, as far as the caller may know.</summary>
internal sealed class UnknownJobException(string kind, string id) : Exception($"The {kind} '{id}' does not exist.");

/// <summary>As many jobs of a kind as may be are not finished.</summary>
internal sealed class JobQueueFullException(string message) : Exception(message);

/// <summary>What is asked for cannot be done to a job as it is; the message says why.</summary>
internal sealed class JobStateException(string message) : Exception(message);
