using LoraServe.Engine.Merging;

namespace LoraServe.Api.Adapters;

/// <summary>Whether an adapter is merged, and why.</summary>
public sealed record MergeResource
{
    /// <summary>The version of the adapter.</summary>
    /// <example>9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</example>
    public required string Version { get; init; }

    /// <summary>Whether merged weights of it exist.</summary>
    /// <example>true</example>
    public required bool IsMerged { get; init; }

    /// <summary>Whether a person asked for them, so that they stay.</summary>
    /// <example>false</example>
    public required bool IsPinned { get; init; }

    /// <summary>The decision in words.</summary>
    /// <example>Not merged: it has hardly been used lately.</example>
    public required string Explanation { get; init; }

    /// <summary>Memory that merged weights take or would take; 0 as long as it was not used.</summary>
    /// <example>212336640</example>
    public required long Bytes { get; init; }

    /// <summary>Steps of the engine in which it takes part, each second.</summary>
    /// <example>21.5</example>
    public required double StepsPerSecond { get; init; }

    /// <summary>The part of these steps that is its alone, 0 to 1.</summary>
    /// <example>0.97</example>
    public required double AloneShare { get; init; }

    /// <summary>Milliseconds of such a step on the base alone.</summary>
    /// <example>34.1</example>
    public required double BaseStepMilliseconds { get; init; }

    /// <summary>Milliseconds of such a step beside the base.</summary>
    /// <example>46.2</example>
    public required double UnmergedStepMilliseconds { get; init; }

    /// <summary>Milliseconds of such a step where it may run on merged weights.</summary>
    /// <example>34.3</example>
    public required double MergedStepMilliseconds { get; init; }

    /// <summary>Milliseconds that a merge takes.</summary>
    /// <example>41</example>
    public required double MergeMilliseconds { get; init; }

    /// <summary>Milliseconds that merged weights save, or would save, each second.</summary>
    /// <example>250</example>
    public required double ExpectedSavingPerSecond { get; init; }

    /// <summary>The decision about a version.</summary>
    public static MergeResource From(MergeDecision decision) => new()
    {
        Version = decision.Version.Value,
        IsMerged = decision.IsMerged,
        IsPinned = decision.IsPinned,
        Explanation = decision.Explanation,
        Bytes = decision.Bytes,
        StepsPerSecond = decision.StepsPerSecond,
        AloneShare = decision.AloneShare,
        BaseStepMilliseconds = decision.BaseStepMilliseconds,
        UnmergedStepMilliseconds = decision.UnmergedStepMilliseconds,
        MergedStepMilliseconds = decision.MergedStepMilliseconds,
        MergeMilliseconds = decision.MergeMilliseconds,
        ExpectedSavingPerSecond = decision.ExpectedSavingPerSecond,
    };
}
