namespace LoraServe.Jobs.Storage;

/// <summary>A file that a caller uploaded or a job made.</summary>
internal sealed class FileRow
{
    /// <summary>Higher is later.</summary>
    public long Number { get; init; }

    public required string Id { get; init; }

    /// <summary>The owner: id of a key, or a fixed id for callers without one.</summary>
    public required string Owner { get; init; }

    public required string Name { get; init; }

    public required string Purpose { get; init; }

    public required long Bytes { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required DateTimeOffset? Expires { get; init; }

    /// <summary>Why it cannot be used; null if it can.</summary>
    public required string? Fault { get; init; }
}

/// <summary>Background work that outlives the process.</summary>
internal sealed class JobRow
{
    /// <summary>Higher is later: the order in which jobs of a kind run.</summary>
    public long Number { get; init; }

    public required string Id { get; init; }

    /// <summary>What the API calls such an object: fine_tuning.job.</summary>
    public required string Kind { get; init; }

    /// <summary>The owner: id of a key, or a fixed id for callers without one.</summary>
    public required string Owner { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required DateTimeOffset? Finished { get; set; }

    /// <summary>Name of a <see cref="JobStatus"/>.</summary>
    public required string Status { get; set; }

    public required bool IsPaused { get; set; }

    /// <summary>Starts since the last progress.</summary>
    public int Attempts { get; set; }

    /// <summary>The request, as JSON of its kind.</summary>
    public required string Request { get; init; }

    /// <summary>The state so far, as JSON of its kind.</summary>
    public required string? Result { get; set; }

    public required string? ErrorCode { get; set; }

    public required string? ErrorMessage { get; set; }

    public required string? ErrorParam { get; set; }
}

/// <summary>An event of a job.</summary>
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

/// <summary>A checkpoint of an adapter after a training step.</summary>
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
