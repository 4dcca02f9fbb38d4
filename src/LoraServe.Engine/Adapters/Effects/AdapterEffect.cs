namespace LoraServe.Engine.Adapters.Effects;

/// <summary>The effect of an adapter on its base.</summary>
public sealed record AdapterEffect
{
    /// <summary>
    /// The Frobenius norm of all low-rank updates relative to that of the weights they act on; null if these are zero.
    /// </summary>
    public required double? RelativeNorm { get; init; }

    /// <summary>
    /// The mean of KL(base || adapter) of the next token over a fixed set of prompts, in nats; null until measured.
    /// </summary>
    public double? MeanKl { get; init; }

    /// <summary>The low-rank updates in the order of the forward pass.</summary>
    public required IReadOnlyList<TargetEffect> Targets { get; init; }

    /// <summary>Everything else that was trained: biases, magnitudes, modules saved whole, tokens.</summary>
    public required IReadOnlyList<PartEffect> Parts { get; init; }

    /// <summary>Whether any weight differs from the base's; the next token may still be the same.</summary>
    public bool HasEffect => Targets.Any(target => target.Norm > 0) || Parts.Any(part => part.Norm > 0);
}
