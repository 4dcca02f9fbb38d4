using LoraServe.Engine.Adapters.Intake;

namespace LoraServe.Engine.Adapters;

/// <summary>Where adapters are kept, and their limits.</summary>
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

    /// <summary>Most adapters with their own label in metrics.</summary>
    public int MaxLabels { get; init; } = 100;

    /// <summary>How long the trash of the data folder keeps files that no name needs.</summary>
    public TimeSpan TrashAge { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Whether to rebuild the registry from the folders.</summary>
    public bool RebuildRegistry { get; init; }

    /// <summary>Limits of an upload.</summary>
    public AdapterLimits Limits { get; init; } = new();
}
