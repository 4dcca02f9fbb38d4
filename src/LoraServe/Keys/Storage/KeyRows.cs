namespace LoraServe.Keys.Storage;

/// <summary>A key.</summary>
internal sealed class KeyRow
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>SHA-256 of the key's text.</summary>
    public required byte[] Hash { get; init; }

    /// <summary>Names of scopes.</summary>
    public required string[] Scopes { get; init; }

    /// <summary>Patterns of adapters.</summary>
    public required string[] Adapters { get; init; }

    public required bool AllowsBase { get; init; }

    public required int? RequestsPerMinute { get; init; }

    public required int? TokensPerMinute { get; init; }

    public required int? ConcurrentRequests { get; init; }

    public required int? MaxAdapters { get; init; }

    public required long? MaxAdapterBytes { get; init; }

    public required long? MaxFileBytes { get; init; }

    public required int? MaxJobs { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required DateTimeOffset? Expires { get; init; }

    public required DateTimeOffset? LastUse { get; set; }

    public required DateTimeOffset? Revoked { get; set; }
}

/// <summary>Which key uploaded a version of an adapter under a name.</summary>
internal sealed class UploadRow
{
    public required string Name { get; init; }

    /// <summary>Empty for a saved mix, which has no content of its own.</summary>
    public required string Version { get; init; }

    public required string KeyId { get; set; }
}

/// <summary>One change, and who made it.</summary>
internal sealed class AuditRow
{
    /// <summary>Higher is later.</summary>
    public long Id { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>Id of a key, or what stands for one.</summary>
    public required string Actor { get; init; }

    public required string ActorName { get; init; }

    public required string? RequestId { get; init; }

    public required string Action { get; init; }

    /// <summary>The adapter or key that was changed.</summary>
    public required string Target { get; init; }

    public required string? FromVersion { get; init; }

    public required string? ToVersion { get; init; }

    public required string? Details { get; init; }
}
