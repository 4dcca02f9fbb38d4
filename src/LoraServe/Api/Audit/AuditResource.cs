using LoraServe.Keys.Storage;

namespace LoraServe.Api.Audit;

/// <summary>One change.</summary>
public sealed record AuditEntry
{
    /// <summary>Higher is later.</summary>
    /// <example>audit-42</example>
    public required string Id { get; init; }

    /// <summary>Always audit.entry.</summary>
    /// <example>audit.entry</example>
    public string Object { get; init; } = "audit.entry";

    /// <summary>When it was made, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long Created { get; init; }

    /// <summary>The id of the key that made it, or anonymous, admin-key-file, command-line.</summary>
    /// <example>3f9a1c2b7d4e</example>
    public required string Actor { get; init; }

    /// <summary>The name of that key, or of the user on the command line.</summary>
    /// <example>support team</example>
    public required string ActorName { get; init; }

    /// <summary>The x-request-id of the request; null for the command line.</summary>
    /// <example>req_9f86d081884c7d659a2feaa0c55ad015</example>
    public required string? RequestId { get; init; }

    /// <summary>
    /// adapter. with created, replaced, trained, promoted, truncated, mixed, rolled_back, updated, deleted, merged or unmerged; file. with
    /// created or deleted; job. with created, cancelled, paused or resumed; key. with created or revoked.
    /// </summary>
    /// <example>adapter.replaced</example>
    public required string Action { get; init; }

    /// <summary>The adapter's name, or the id of the file, job or key.</summary>
    /// <example>support-replies</example>
    public required string Target { get; init; }

    /// <summary>The version that the name pointed at before; null if there was none.</summary>
    /// <example>03763076cc6e21b04bb34b336dd892aac65dbaed2e4649e490d60d70a25e4d3f</example>
    public required string? FromVersion { get; init; }

    /// <summary>The version that the name points at afterwards; null if there is none.</summary>
    /// <example>9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</example>
    public required string? ToVersion { get; init; }

    /// <summary>What else was changed, as JSON; null if nothing.</summary>
    /// <example>{"pinned":true}</example>
    public required string? Details { get; init; }

    internal static AuditEntry From(AuditRow row) => new()
    {
        Id = AuditId.Format(row.Id),
        Created = row.Time.ToUnixTimeSeconds(),
        Actor = row.Actor,
        ActorName = row.ActorName,
        RequestId = row.RequestId,
        Action = row.Action,
        Target = row.Target,
        FromVersion = row.FromVersion,
        ToVersion = row.ToVersion,
        Details = row.Details,
    };
}

/// <summary>Changes, the newest first.</summary>
public sealed record AuditList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The changes.</summary>
    public required IReadOnlyList<AuditEntry> Data { get; init; }

    /// <summary>Whether there are older ones: ask again with after = the last id.</summary>
    /// <example>false</example>
    public required bool HasMore { get; init; }
}

internal static class AuditId
{
    private const string Prefix = "audit-";

    public static string Format(long id) => $"{Prefix}{id}";

    public static long? TryParse(string text) =>
        text.StartsWith(Prefix, StringComparison.Ordinal) && long.TryParse(text.AsSpan(Prefix.Length), out var id) ? id : null;
}
