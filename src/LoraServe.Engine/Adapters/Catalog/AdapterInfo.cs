using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>The public description of an adapter: an immutable version under a movable name.</summary>
public sealed record AdapterInfo
{
    /// <summary>The name that requests use.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 of the canonical tensors, the effective configuration and its chat templates if it has any, lower-case hexadecimal.</summary>
    public required AdapterVersionId Version { get; init; }

    /// <summary>The highest rank of its modules.</summary>
    public required int Rank { get; init; }

    /// <summary>lora_alpha of its configuration.</summary>
    public required double Alpha { get; init; }

    /// <summary>Whether scaling is alpha / sqrt(rank) instead of alpha / rank.</summary>
    public required bool UsesRsLora { get; init; }

    /// <summary>Whether outputs are scaled by trained magnitudes (DoRA).</summary>
    public bool UsesDora { get; init; }

    /// <summary>Of an activated LoRA: the tokens from whose last occurrence in the prompt on it acts. Empty for others.</summary>
    public IReadOnlyList<int> InvocationTokens { get; init; } = [];

    /// <summary>Last parts of the paths of the adapted modules, sorted: "q_proj", "v_proj".</summary>
    public required IReadOnlyList<string> TargetModules { get; init; }

    /// <summary>Paths of the modules that it replaces as a whole, sorted.</summary>
    public IReadOnlyList<string> SavedModules { get; init; } = [];

    /// <summary>Whether it brings chat templates of its own, in place of the base's.</summary>
    public bool HasChatTemplate { get; init; }

    /// <summary>Number of adapted modules.</summary>
    public required int ModuleCount { get; init; }

    /// <summary>Number of weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>Size of its tensor file in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>What its configuration calls the base model; differing from the served one is only a warning.</summary>
    public required string? BaseModelName { get; init; }

    /// <summary>When the name was given to this version.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Warnings that do not prevent serving.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Memory that it takes when it is loaded, in bytes.</summary>
    public long LoadedBytes { get; init; }

    /// <summary>Memory that loading takes beside <see cref="LoadedBytes"/> and returns: the file, and a tensor in float32.</summary>
    public long LoadingBytes { get; init; }

    /// <summary>How it runs where a request does not say.</summary>
    public MergeMode Mode { get; init; }

    /// <summary>Whether it stays in memory once it is loaded.</summary>
    public bool Pinned { get; init; }

    /// <summary>Its share of the engine beside other adapters; 1 unless set.</summary>
    [JsonPropertyName("weight")]
    public double Share { get; init; } = 1;

    /// <summary>The shares of its requests that other versions get; the rest goes to <see cref="Version"/>.</summary>
    public IReadOnlyDictionary<AdapterVersionId, double> Split { get; init; } = ImmutableDictionary<AdapterVersionId, double>.Empty;

    /// <summary>What a saved mix is made of; empty for an adapter.</summary>
    public IReadOnlyList<AdapterPart> Parts { get; init; } = [];

    /// <summary>When the latest request arrived; null before the first.</summary>
    public DateTimeOffset? LastUse { get; init; }

    /// <summary>Where it is at the moment.</summary>
    public AdapterResidency Residency { get; init; }

    /// <summary>Why requests for it fail; null if they do not.</summary>
    public string? Broken { get; init; }

    /// <summary>The parts of a mix, at any depth, that <see cref="Broken"/> names.</summary>
    public IReadOnlyList<string> BrokenParts { get; init; } = [];

    /// <summary>Where it comes from, in the uploader's words.</summary>
    public string? Provenance { get; init; }
}
