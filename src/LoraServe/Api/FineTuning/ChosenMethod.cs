using LoraServe.Api.Requests;

namespace LoraServe.Api.FineTuning;

/// <summary>How a training is made.</summary>
public sealed record ChosenMethod
{
    /// <summary>Always supervised.</summary>
    /// <example>supervised</example>
    public string Type { get; init; } = "supervised";

    /// <summary>Its hyperparameters.</summary>
    public required ChosenSupervised Supervised { get; init; }

    internal static ChosenMethod From(ChosenHyperparameters basic, LoraHyperparameters lora) => new()
    {
        Supervised = new ChosenSupervised
        {
            Hyperparameters = new ChosenSupervisedHyperparameters
            {
                BatchSize = basic.BatchSize,
                LearningRateMultiplier = basic.LearningRateMultiplier,
                NEpochs = basic.NEpochs,
                Lora = lora,
            },
        },
    };
}

/// <summary>A training by examples.</summary>
public sealed record ChosenSupervised
{
    /// <summary>Its hyperparameters.</summary>
    public required ChosenSupervisedHyperparameters Hyperparameters { get; init; }
}

/// <summary>All hyperparameters of a training, auto where they are not chosen yet.</summary>
public sealed record ChosenSupervisedHyperparameters
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

    /// <summary>Those of LoRA, null where they are not chosen yet.</summary>
    public required LoraHyperparameters Lora { get; init; }
}
