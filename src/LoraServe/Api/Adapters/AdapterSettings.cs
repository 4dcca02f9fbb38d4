using System.ComponentModel.DataAnnotations;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Api.Adapters;

/// <summary>How an adapter is served; absent fields stay as they are.</summary>
public sealed record AdapterSettings
{
    /// <summary>auto, merged or unmerged: whether requests that do not say run on merged weights.</summary>
    /// <example>auto</example>
    public MergeMode? Mode { get; init; }

    /// <summary>Keeps it in memory once it is there, however long nobody uses it.</summary>
    /// <example>true</example>
    public bool? Pinned { get; init; }

    /// <summary>Its share of the engine while requests for other adapters wait: 2 gets twice as many tokens as 1.</summary>
    /// <example>1</example>
    [Range(0.01, 100.0)]
    public float? Weight { get; init; }

    /// <summary>Which part of its requests each of its earlier versions answers; an empty object ends that.</summary>
    /// <example>{"9f86d081": 0.05}</example>
    public VersionShares? Split { get; init; }

    internal AdapterPatch ToPatch() => new() { Mode = Mode, Pinned = Pinned, Share = Weight, Split = Split?.Values };
}

/// <summary>Which version a name shall point at.</summary>
public sealed record RollbackRequest
{
    /// <summary>A version of this name, or its beginning; absent: the one before the current.</summary>
    /// <example>9f86d081</example>
    public string? Version { get; init; }
}

/// <summary>A weighted sum of adapters to save.</summary>
public sealed record MixRequest
{
    /// <summary>The parts.</summary>
    /// <example>[{"name": "summarize", "weight": 0.7}, {"name": "sentiment", "weight": 0.3}]</example>
    [Required]
    public AdapterParts? Adapters { get; init; }
}
