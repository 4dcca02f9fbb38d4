using LoraServe.Engine.Adapters.Residency;

namespace LoraServe.Benchmarks.Residency;

/// <summary>The results of a run.</summary>
internal sealed record ResidencyResult
{
    public required TimeSpan Registering { get; init; }

    public required TimeSpan Serving { get; init; }

    public required IReadOnlyList<string> Failures { get; init; }

    public required AdapterCacheStatus Cache { get; init; }

    public required double IdealHitRate { get; init; }

    public required int Differences { get; init; }

    public required TimeSpan StartUp { get; init; }

    /// <summary>From acquiring the adapter to its lease.</summary>
    public required TimeSpan LoadOfRank16 { get; init; }

    public required TimeSpan DecodeStep { get; init; }
}
