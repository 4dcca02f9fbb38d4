using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>
/// A name and how it is served. Without a version and parts, it only holds the settings of an adapter of the folder given at start.
/// </summary>
internal sealed class AliasRow
{
    public required string Name { get; init; }

    public required DateTimeOffset Created { get; set; }

    public required MergeMode Mode { get; set; }

    public required double Weight { get; set; }

    public required bool Pinned { get; set; }

    public required DateTimeOffset? LastUse { get; set; }

    /// <summary>The version that the name points at, one of its history.</summary>
    public required string? Version { get; set; }

    public List<HistoryRow> History { get; init; } = [];

    public List<MixPartRow> Parts { get; init; } = [];
}

/// <summary>A version that a name points at or pointed at.</summary>
internal sealed class HistoryRow
{
    public required string Name { get; init; }

    public required string Version { get; init; }

    /// <summary>Higher is newer, within the name.</summary>
    public required int Position { get; init; }

    /// <summary>When the name was moved to the version.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Its share of the name's requests, 0 to 1, while the name points at another version.</summary>
    public required double Share { get; init; }

    /// <summary>JSON of an <see cref="AdapterOrigin"/>; null in rows of earlier releases.</summary>
    public string? Origin { get; init; }
}

/// <summary>One adapter of a saved mix.</summary>
internal sealed class MixPartRow
{
    public required string Name { get; init; }

    public required int Position { get; init; }

    /// <summary>A name, or name@version.</summary>
    public required string Part { get; init; }

    public required double Weight { get; init; }
}

/// <summary>A version and what is known of it.</summary>
internal sealed class VersionRow
{
    public required string Version { get; init; }

    /// <summary>The base, and the rules, against which it was checked last.</summary>
    public required string CheckedAgainst { get; init; }

    /// <summary>JSON of what <see cref="AdapterInfo"/> says of the content.</summary>
    public required string Description { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required string? Provenance { get; init; }

    /// <summary>Why it cannot be loaded.</summary>
    public required string? Broken { get; init; }
}

/// <summary>A folder of an adapter given at start, as it was when it was last hashed.</summary>
internal sealed class FolderRow
{
    public required string Path { get; init; }

    /// <summary>Sizes and times of its files.</summary>
    public required string Stamp { get; init; }

    public required string Version { get; init; }

    /// <summary>JSON of an <see cref="AdapterOrigin"/>; null in rows of earlier releases.</summary>
    public string? Origin { get; init; }
}
