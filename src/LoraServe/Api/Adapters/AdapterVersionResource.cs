using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Api.Adapters;

/// <summary>One version of an adapter's name.</summary>
public sealed record AdapterVersionResource
{
    /// <summary>SHA-256 of its content.</summary>
    /// <example>9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</example>
    public required string Version { get; init; }

    /// <summary>Always adapter.version.</summary>
    /// <example>adapter.version</example>
    public string Object { get; init; } = "adapter.version";

    /// <summary>When the name was given to it, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long Created { get; init; }

    /// <summary>Whether the name points at it.</summary>
    /// <example>true</example>
    public required bool Current { get; init; }

    /// <summary>Which part of the name's requests it answers.</summary>
    /// <example>0.95</example>
    public required double Share { get; init; }

    /// <summary>The highest rank of its modules.</summary>
    /// <example>16</example>
    public required int Rank { get; init; }

    /// <summary>Size of its tensor file in bytes.</summary>
    /// <example>47032</example>
    public required long SizeBytes { get; init; }

    /// <summary>Why it cannot be served any more; null if it can.</summary>
    /// <example>null</example>
    public required string? Broken { get; init; }

    internal static AdapterVersionResource From(AdapterVersion version) => new()
    {
        Version = version.Version.Value,
        Created = version.Created.ToUnixTimeSeconds(),
        Current = version.IsCurrent,
        Share = version.SplitShare,
        Rank = version.Rank,
        SizeBytes = version.SizeBytes,
        Broken = version.Broken,
    };
}

/// <summary>All versions of a name, the newest first.</summary>
public sealed record AdapterVersionList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The versions.</summary>
    public required IReadOnlyList<AdapterVersionResource> Data { get; init; }

    /// <summary>Whether there are older ones: ask again with after = the last version.</summary>
    /// <example>false</example>
    public required bool HasMore { get; init; }
}
