using LoraServe.Api.Requests;

namespace LoraServe.Api.FineTuning;

/// <summary>The basic hyperparameters of a training, auto where they are not chosen yet.</summary>
public sealed record ChosenHyperparameters
{
    /// <summary>Examples of one step.</summary>
    /// <example>8</example>
    [Auto]
    public required object BatchSize { get; init; }

    /// <summary>Multiplies the learning rate.</summary>
    /// <example>1</example>
    [Auto]
    public required object LearningRateMultiplier { get; init; }

    /// <summary>How often every example is seen.</summary>
    /// <example>3</example>
    [Auto]
    public required object NEpochs { get; init; }

    internal static ChosenHyperparameters From(BasicHyperparameters basic) => new()
    {
        BatchSize = (object?)basic.BatchSize ?? "auto",
        LearningRateMultiplier = (object?)basic.LearningRateMultiplier ?? "auto",
        NEpochs = (object?)basic.NEpochs ?? "auto",
    };
}
