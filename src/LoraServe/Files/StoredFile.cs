using LoraServe.Jobs.Storage;

namespace LoraServe.Files;

/// <summary>A file that a caller uploaded or a job made.</summary>
internal sealed record StoredFile
{
    public required string Id { get; init; }

    /// <summary>The owner: id of a key, or a fixed id for callers without one.</summary>
    public required string Owner { get; init; }

    /// <summary>What its owner calls it; never a path.</summary>
    public required string Name { get; init; }

    /// <summary>One of <see cref="FilePurpose"/>.</summary>
    public required string Purpose { get; init; }

    public required long Bytes { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>When the file expires; null for never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Why the file cannot be used, with every fault; null if it can.</summary>
    public string? Fault { get; init; }

    public static StoredFile From(FileRow row) => new()
    {
        Id = row.Id,
        Owner = row.Owner,
        Name = row.Name,
        Purpose = row.Purpose,
        Bytes = row.Bytes,
        Created = row.Created,
        Expires = row.Expires,
        Fault = row.Fault,
    };

    public FileRow ToRow() => new()
    {
        Id = Id,
        Owner = Owner,
        Name = Name,
        Purpose = Purpose,
        Bytes = Bytes,
        Created = Created,
        Expires = Expires,
        Fault = Fault,
    };
}

/// <summary>What files are for.</summary>
internal static class FilePurpose
{
    public const string FineTune = "fine-tune";
    public const string Evals = "evals";
    public const string Results = "fine-tune-results";

    /// <summary>Those that can be uploaded.</summary>
    public static IReadOnlyList<string> Uploaded { get; } = [FineTune, Evals];
}

/// <summary>The caller has no file with this id.</summary>
internal sealed class UnknownFileException(string id) : Exception($"The file '{id}' does not exist.");
