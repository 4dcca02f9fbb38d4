using LoraServe.Engine.Adapters.Intake;

namespace LoraServe.Engine.Adapters;

/// <summary>Where adapters are kept and what they may cost.</summary>
internal sealed record AdapterOptions
{
    /// <summary>Folder that keeps uploads across restarts.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Folder whose sub-folders are adapters that cannot be changed over HTTP, or null.</summary>
    public string? AdaptersFolder { get; init; }

    /// <summary>Highest rank.</summary>
    public required int MaxRank { get; init; }

    /// <summary>Most bytes of all adapters in memory together.</summary>
    public required long CacheBytes { get; init; }

    /// <summary>How long a request waits for memory.</summary>
    public TimeSpan CachePatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most adapters that have a label of their own in metrics.</summary>
    public int MaxLabels { get; init; } = 100;

    /// <summary>How long the trash of the data folder keeps what no name leads to.</summary>
    public TimeSpan TrashAge { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Whether the registry is built from the folders, in the place of the one that is there.</summary>
    public bool RebuildRegistry { get; init; }

    /// <summary>Limits of an upload.</summary>
    public AdapterLimits Limits { get; init; } = new();
}
