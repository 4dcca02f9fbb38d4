using LoraServe.Engine.Training.Results;

namespace LoraServe.Api.FineTuning;

/// <summary>How well a model does on held-out examples.</summary>
public sealed record FiguresResource
{
    /// <summary>Mean cross-entropy of the tokens of the completions, in nats; null where it is not finite.</summary>
    /// <example>0.021</example>
    public required double? Loss { get; init; }

    /// <summary>exp of the loss; null where it is not finite.</summary>
    /// <example>1.021</example>
    public required double? Perplexity { get; init; }

    /// <summary>Part of these tokens that were the most probable one.</summary>
    /// <example>0.993</example>
    public required double? TokenAccuracy { get; init; }

    /// <summary>Part of the generated examples whose completion is exactly the expected one; null where none was generated.</summary>
    /// <example>0.94</example>
    public required double? ExactMatch { get; init; }

    /// <summary>Examples that the loss is over.</summary>
    /// <example>200</example>
    public required int Examples { get; init; }

    /// <summary>Examples that were generated.</summary>
    /// <example>50</example>
    public required int GeneratedExamples { get; init; }

    internal static FiguresResource From(EvaluationFigures figures) => new()
    {
        Loss = Finite(figures.Loss),
        Perplexity = Finite(figures.Perplexity),
        TokenAccuracy = Finite(figures.TokenAccuracy),
        ExactMatch = figures.ExactMatch is { } match ? Finite(match) : null,
        Examples = figures.Examples,
        GeneratedExamples = figures.GeneratedExamples,
    };

    // JSON has no other numbers.
    internal static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
