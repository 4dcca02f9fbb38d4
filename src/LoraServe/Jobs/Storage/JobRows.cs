namespace LoraServe.Jobs.Storage;

/// <summary>A file that somebody uploaded, or that a job made.</summary>
internal sealed class FileRow
{
    /// <summary>Higher is later.</summary>
    public long Number { get; init; }

    public required string Id { get; init; }

    /// <summary>Whose it is: id of a key, or what stands for one.</summary>
    public required string Owner { get; init; }

    public required string Name { get; init; }

    public required string Purpose { get; init; }

    public required long Bytes { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required DateTimeOffset? Expires { get; init; }

    /// <summary>Why it cannot be used; null where it can.</summary>
    public required string? Fault { get; init; }
}

/// <summary>Something that is worked on in the background and outlives the process.</summary>
internal sealed class JobRow
{
    /// <summary>Higher is later: the order in which jobs of a kind run.</summary>
    public long Number { get; init; }

    public required string Id { get; init; }

    /// <summary>What the API calls such an object: fine_tuning.job.</summary>
    public required string Kind { get; init; }

    /// <summary>Whose it is: id of a key, or what stands for one.</summary>
    public required string Owner { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required DateTimeOffset? Finished { get; set; }

    /// <summary>Name of a <see cref="JobStatus"/>.</summary>
    public required string Status { get; set; }

    public required bool IsPaused { get; set; }

    /// <summary>How often it was begun since it last got somewhere.</summary>
    public int Attempts { get; set; }

    /// <summary>What was asked for, as JSON of its kind.</summary>
    public required string Request { get; init; }

    /// <summary>What is known of it so far, as JSON of its kind.</summary>
    public required string? Result { get; set; }

    public required string? ErrorCode { get; set; }

    public required string? ErrorMessage { get; set; }

    public required string? ErrorParam { get; set; }
}

/// <summary>Something that happened to a job.</summary>
internal sealed class EventRow
{
    /// <summary>Higher is later.</summary>
    public long Number { get; init; }

    public required string JobId { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>info, warn or error.</summary>
    public required string Level { get; init; }

    public required string Message { get; init; }

    /// <summary>The step of a training that it is about.</summary>
    public required int? Step { get; init; }

    /// <summary>Figures as JSON; null for a message.</summary>
    public required string? Data { get; init; }
}

/// <summary>An adapter as it was after a step of a training.</summary>
internal sealed class CheckpointRow
{
    /// <summary>Higher is later.</summary>
    public long Number { get; init; }

    public required string JobId { get; init; }

    public required int Step { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>Its PEFT folder within the job's.</summary>
    public required string Folder { get; init; }
}
