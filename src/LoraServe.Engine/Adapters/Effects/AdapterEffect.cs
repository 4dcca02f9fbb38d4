namespace LoraServe.Engine.Adapters.Effects;

/// <summary>What an adapter does to its base, in numbers.</summary>
public sealed record AdapterEffect
{
    /// <summary>
    /// The Frobenius norm of all low-rank updates together against that of the weights beside which they act; null where these are zero.
    /// </summary>
    public required double? RelativeNorm { get; init; }

    /// <summary>
    /// The mean of KL(base || adapter) of the next token over a fixed set of prompts, in nats; null as long as it is not measured.
    /// </summary>
    public double? MeanKl { get; init; }

    /// <summary>The low-rank updates in the order of the forward pass.</summary>
    public required IReadOnlyList<TargetEffect> Targets { get; init; }

    /// <summary>Everything else that was trained: biases, magnitudes, modules saved whole, tokens.</summary>
    public required IReadOnlyList<PartEffect> Parts { get; init; }

    /// <summary>Whether any weight differs from the base's at all; what this does to the next token is another question.</summary>
    public bool HasEffect => Targets.Any(target => target.Norm > 0) || Parts.Any(part => part.Norm > 0);
}
