using System.Text.Json.Serialization;
using LoraServe.Engine.Adapters.Effects;

namespace LoraServe.Api.Adapters;

/// <summary>What an adapter does to its base, in numbers.</summary>
public sealed record AdapterEffectResource
{
    /// <summary>The length of all low-rank updates together against that of the weights beside which they act.</summary>
    /// <example>0.021</example>
    public required double? RelativeNorm { get; init; }

    /// <summary>
    /// The mean of KL(base || adapter) of the next token over all positions of a fixed set of prompts, in nats; null if it was not measured.
    /// </summary>
    /// <example>0.35</example>
    public required double? MeanKl { get; init; }

    /// <summary>The low-rank updates in the order of the forward pass.</summary>
    public required IReadOnlyList<TargetEffectResource> Targets { get; init; }

    /// <summary>Everything else that was trained: biases, magnitudes, modules saved whole, tokens.</summary>
    public required IReadOnlyList<PartEffectResource> Parts { get; init; }

    internal static AdapterEffectResource From(AdapterEffect effect) => new()
    {
        RelativeNorm = effect.RelativeNorm,
        MeanKl = effect.MeanKl,
        Targets = [.. effect.Targets.Select(TargetEffectResource.From)],
        Parts = [.. effect.Parts.Select(PartEffectResource.From)],
    };
}

/// <summary>How strong a low-rank update s B A of one module is, and in how few directions.</summary>
public sealed record TargetEffectResource
{
    /// <summary>The module.</summary>
    /// <example>model.layers.0.self_attn.q_proj</example>
    public required string Path { get; init; }

    /// <summary>r.</summary>
    /// <example>16</example>
    public required int Rank { get; init; }

    /// <summary>The Frobenius norm of s B A.</summary>
    /// <example>0.8</example>
    public required double Norm { get; init; }

    /// <summary>The Frobenius norm of the frozen weight W.</summary>
    /// <example>38.2</example>
    public required double BaseNorm { get; init; }

    /// <summary>Their ratio; null where the weight is zero.</summary>
    /// <example>0.021</example>
    public required double? RelativeNorm { get; init; }

    /// <summary>The squared Frobenius norm over the squared largest singular value: between 1 and the rank.</summary>
    /// <example>2.4</example>
    public required double StableRank { get; init; }

    /// <summary>Singular values of s B A, largest first.</summary>
    /// <example>[0.6, 0.4, 0.2]</example>
    public required IReadOnlyList<double> SingularValues { get; init; }

    /// <summary>The least rank that keeps 90 % of the sum of squared singular values.</summary>
    /// <example>3</example>
    [JsonPropertyName("rank_90")]
    public required int Rank90 { get; init; }

    /// <summary>The same for 99 %.</summary>
    /// <example>7</example>
    [JsonPropertyName("rank_99")]
    public required int Rank99 { get; init; }

    internal static TargetEffectResource From(TargetEffect target) => new()
    {
        Path = target.Path,
        Rank = target.Rank,
        Norm = target.Norm,
        BaseNorm = target.BaseNorm,
        RelativeNorm = target.RelativeNorm,
        StableRank = target.StableRank,
        SingularValues = target.SingularValues,
        Rank90 = target.Rank90,
        Rank99 = target.Rank99,
    };
}

/// <summary>A trained part that is no low-rank update, against what the base has in its place.</summary>
public sealed record PartEffectResource
{
    /// <summary>The module.</summary>
    /// <example>model.norm</example>
    public required string Path { get; init; }

    /// <summary>weight, bias, lora_bias, magnitude or tokens.</summary>
    /// <example>weight</example>
    public required string Part { get; init; }

    /// <summary>The length of the change.</summary>
    /// <example>0.1</example>
    public required double Norm { get; init; }

    /// <summary>The length of what the base has.</summary>
    /// <example>24.5</example>
    public required double BaseNorm { get; init; }

    /// <summary>Their ratio; null where the base has none or zero.</summary>
    /// <example>0.004</example>
    public required double? RelativeNorm { get; init; }

    internal static PartEffectResource From(PartEffect part) => new()
    {
        Path = part.Path,
        Part = part.Part,
        Norm = part.Norm,
        BaseNorm = part.BaseNorm,
        RelativeNorm = part.RelativeNorm,
    };
}
