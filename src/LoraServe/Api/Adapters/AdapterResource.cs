using System.Collections.Immutable;
using System.Text.Json.Serialization;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Generation;
using LoraServe.Keys;

namespace LoraServe.Api.Adapters;

/// <summary>An adapter as the API shows it.</summary>
public sealed record AdapterResource
{
    /// <summary>The name that requests use.</summary>
    /// <example>summarize</example>
    public required string Id { get; init; }

    /// <summary>Always adapter.</summary>
    /// <example>adapter</example>
    public string Object { get; init; } = "adapter";

    /// <summary>SHA-256 of its content: the same tensors and configuration have the same version on every server.</summary>
    /// <example>9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</example>
    public required string Version { get; init; }

    /// <summary>When the name was given to this version, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long Created { get; init; }

    /// <summary>The base model that it adapts, by the name under which it is served.</summary>
    /// <example>loraserve-demo</example>
    public required string BaseModel { get; init; }

    /// <summary>What its configuration calls the base model.</summary>
    /// <example>loraserve-demo/base</example>
    public required string? BaseModelNameOrPath { get; init; }

    /// <summary>The highest rank of its modules.</summary>
    /// <example>16</example>
    public required int Rank { get; init; }

    /// <summary>lora_alpha of its configuration.</summary>
    /// <example>32</example>
    public required double Alpha { get; init; }

    /// <summary>Whether it is scaled by alpha / sqrt(rank) instead of alpha / rank.</summary>
    /// <example>false</example>
    public required bool Rslora { get; init; }

    /// <summary>The kinds of modules that it adapts.</summary>
    /// <example>["q_proj", "v_proj"]</example>
    public required IReadOnlyList<string> TargetModules { get; init; }

    /// <summary>Number of modules that it adapts.</summary>
    /// <example>12</example>
    public required int Modules { get; init; }

    /// <summary>Number of its weights.</summary>
    /// <example>22528</example>
    public required long Parameters { get; init; }

    /// <summary>Size of its tensor file in bytes.</summary>
    /// <example>47032</example>
    public required long SizeBytes { get; init; }

    /// <summary>Oddities that do not keep it from being served.</summary>
    /// <example>["it was made for 'other-base'"]</example>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Whether outputs are scaled by trained magnitudes (DoRA).</summary>
    /// <example>false</example>
    public required bool Dora { get; init; }

    /// <summary>Modules that it brings whole.</summary>
    /// <example>[]</example>
    public required IReadOnlyList<string> SavedModules { get; init; }

    /// <summary>Of an activated LoRA: it acts from the last occurrence of these tokens in the prompt on. Empty for others.</summary>
    /// <example>[]</example>
    public required IReadOnlyList<int> InvocationTokens { get; init; }

    /// <summary>Whether it brings chat templates of its own, in the place of the base model's.</summary>
    /// <example>false</example>
    public required bool HasChatTemplate { get; init; }

    /// <summary>Memory that it takes when it is loaded.</summary>
    /// <example>90112</example>
    public required long LoadedBytes { get; init; }

    /// <summary>disk, loading or memory: where it is now.</summary>
    /// <example>memory</example>
    public required AdapterResidency Residency { get; init; }

    /// <summary>When it was last asked for, in seconds since 1970; null if never.</summary>
    /// <example>1767225600</example>
    public required long? LastUse { get; init; }

    /// <summary>auto, merged or unmerged: how requests run that do not say.</summary>
    /// <example>auto</example>
    public required MergeMode Mode { get; init; }

    /// <summary>Whether it stays in memory.</summary>
    /// <example>false</example>
    public required bool Pinned { get; init; }

    /// <summary>Its share of the engine beside others.</summary>
    /// <example>1</example>
    public required double Weight { get; init; }

    /// <summary>Which part of its requests other versions answer, by version.</summary>
    /// <example>{}</example>
    public required IReadOnlyDictionary<string, double> Split { get; init; }

    /// <summary>The parts of a saved weighted sum, those that the caller's key may not see without names; empty for others.</summary>
    /// <example>[]</example>
    public required AdapterParts Adapters { get; init; }

    /// <summary>Why it cannot be served any more; null if it can.</summary>
    /// <example>null</example>
    public required string? Broken { get; init; }

    /// <summary>Where it comes from; null if nobody said.</summary>
    /// <example>null</example>
    public required string? Provenance { get; init; }

    /// <summary>Whether it is merged, and why.</summary>
    public required MergeResource Merge { get; init; }

    /// <summary>What it does to the base; only in the answer to its upload, later at /effect.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AdapterEffectResource? Effect { get; init; }

    /// <summary>What the API shows of an adapter to a caller.</summary>
    internal static AdapterResource From(AdapterInfo adapter, LlmEngine engine, AdapterAccess access) => new()
    {
        Id = adapter.Name,
        Version = adapter.Version.Value,
        Created = adapter.Created.ToUnixTimeSeconds(),
        BaseModel = engine.Model.Name,
        BaseModelNameOrPath = adapter.BaseModelName,
        Rank = adapter.Rank,
        Alpha = adapter.Alpha,
        Rslora = adapter.UsesRsLora,
        TargetModules = adapter.TargetModules,
        Modules = adapter.ModuleCount,
        Parameters = adapter.Parameters,
        SizeBytes = adapter.SizeBytes,
        Warnings = adapter.Warnings,
        Dora = adapter.UsesDora,
        SavedModules = adapter.SavedModules,
        InvocationTokens = adapter.InvocationTokens,
        HasChatTemplate = adapter.HasChatTemplate,
        LoadedBytes = adapter.LoadedBytes,
        Residency = adapter.Residency,
        LastUse = adapter.LastUse?.ToUnixTimeSeconds(),
        Mode = adapter.Mode,
        Pinned = adapter.Pinned,
        Weight = adapter.Share,
        Split = adapter.Split.ToImmutableSortedDictionary(share => share.Key.Value, share => share.Value, StringComparer.Ordinal),
        Adapters = new AdapterParts(access.Show(adapter.Parts)),
        Broken = adapter.Broken is { } broken ? access.Explain(broken, adapter.BrokenParts) : null,
        Provenance = adapter.Provenance,
        Merge = MergeResource.From(engine.ExplainMerge(adapter.Version)),
    };
}

/// <summary>All adapters, sorted by name.</summary>
public sealed record AdapterList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The adapters.</summary>
    public required IReadOnlyList<AdapterResource> Data { get; init; }

    /// <summary>Whether there are more: ask again with after = the last name.</summary>
    /// <example>false</example>
    public required bool HasMore { get; init; }
}

/// <summary>An adapter whose name was taken away.</summary>
public sealed record DeletedAdapter
{
    /// <summary>The name.</summary>
    /// <example>summarize</example>
    public required string Id { get; init; }

    /// <summary>Always adapter.</summary>
    /// <example>adapter</example>
    public string Object { get; init; } = "adapter";

    /// <summary>Always true.</summary>
    /// <example>true</example>
    public bool Deleted => true;
}
