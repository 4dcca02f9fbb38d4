using System.Text.Json.Serialization;
using LoraServe.Files;

namespace LoraServe.Api.Files;

/// <summary>A file as the API shows it.</summary>
public sealed record FileResource
{
    /// <summary>Its id.</summary>
    /// <example>file-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public required string Id { get; init; }

    /// <summary>Always file.</summary>
    /// <example>file</example>
    public string Object { get; init; } = "file";

    /// <summary>Its size.</summary>
    /// <example>218403</example>
    public required long Bytes { get; init; }

    /// <summary>When it was uploaded, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long CreatedAt { get; init; }

    /// <summary>When it goes by itself, in seconds since 1970; absent: never.</summary>
    /// <example>1769817600</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required long? ExpiresAt { get; init; }

    /// <summary>What its owner calls it.</summary>
    /// <example>sql.train.jsonl</example>
    public required string Filename { get; init; }

    /// <summary>fine-tune, evals, or fine-tune-results for what a job wrote.</summary>
    /// <example>fine-tune</example>
    public required string Purpose { get; init; }

    /// <summary>processed, or error where it cannot be trained on.</summary>
    /// <example>processed</example>
    public required string Status { get; init; }

    /// <summary>Every fault of a file with an error, line by line; null if it has none.</summary>
    /// <example>null</example>
    public required string? StatusDetails { get; init; }

    internal static FileResource From(StoredFile file) => new()
    {
        Id = file.Id,
        Bytes = file.Bytes,
        CreatedAt = file.Created.ToUnixTimeSeconds(),
        ExpiresAt = file.Expires?.ToUnixTimeSeconds(),
        Filename = file.Name,
        Purpose = file.Purpose,
        Status = file.Fault is null ? "processed" : "error",
        StatusDetails = file.Fault,
    };
}

/// <summary>Files.</summary>
public sealed record FileList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The files.</summary>
    public required IReadOnlyList<FileResource> Data { get; init; }

    /// <summary>Id of the first one; null if there is none.</summary>
    /// <example>file-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public string? FirstId => Data.Count == 0 ? null : Data[0].Id;

    /// <summary>Id of the last one; null if there is none.</summary>
    /// <example>file-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public string? LastId => Data.Count == 0 ? null : Data[^1].Id;

    /// <summary>Whether there are more: ask again with after = the last id.</summary>
    /// <example>false</example>
    public required bool HasMore { get; init; }
}

/// <summary>A file that was deleted.</summary>
public sealed record DeletedFile
{
    /// <summary>Its id.</summary>
    /// <example>file-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public required string Id { get; init; }

    /// <summary>Always file.</summary>
    /// <example>file</example>
    public string Object { get; init; } = "file";

    /// <summary>Always true.</summary>
    /// <example>true</example>
    public bool Deleted => true;
}
