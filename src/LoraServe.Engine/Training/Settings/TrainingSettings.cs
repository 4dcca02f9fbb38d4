using LoraServe.Engine.Peft;

namespace LoraServe.Engine.Training.Settings;

/// <summary>How a training runs, with nothing left open: <see cref="Hyperparameters"/> once everything that was null has been chosen.</summary>
public sealed record TrainingSettings
{
    /// <inheritdoc cref="Hyperparameters.Method"/>
    public required TrainingMethod Method { get; init; }

    /// <inheritdoc cref="Hyperparameters.Rank"/>
    public required int Rank { get; init; }

    /// <inheritdoc cref="Hyperparameters.Alpha"/>
    public required double Alpha { get; init; }

    /// <inheritdoc cref="Hyperparameters.Dropout"/>
    public required double Dropout { get; init; }

    /// <inheritdoc cref="Hyperparameters.UseRsLora"/>
    public required bool UseRsLora { get; init; }

    /// <inheritdoc cref="Hyperparameters.UseDora"/>
    public required bool UseDora { get; init; }

    /// <summary>Names of linear modules, presets resolved: q_proj, v_proj, ... in the order of the forward pass.</summary>
    public required IReadOnlyList<string> TargetModules { get; init; }

    /// <inheritdoc cref="Hyperparameters.RankPattern"/>
    public required IReadOnlyDictionary<string, int> RankPattern { get; init; }

    /// <inheritdoc cref="Hyperparameters.AlphaPattern"/>
    public required IReadOnlyDictionary<string, double> AlphaPattern { get; init; }

    /// <summary>Steps of the optimiser.</summary>
    public required int Steps { get; init; }

    /// <inheritdoc cref="Hyperparameters.BatchSize"/>
    public required int BatchSize { get; init; }

    /// <inheritdoc cref="Hyperparameters.MicroBatchTokens"/>
    public required int MicroBatchTokens { get; init; }

    /// <summary>The peak learning rate, including the multiplier.</summary>
    public required double LearningRate { get; init; }

    /// <inheritdoc cref="Hyperparameters.Schedule"/>
    public required LearningRateSchedule Schedule { get; init; }

    /// <inheritdoc cref="Hyperparameters.WarmupSteps"/>
    public required int WarmupSteps { get; init; }

    /// <inheritdoc cref="Hyperparameters.WeightDecay"/>
    public required double WeightDecay { get; init; }

    /// <inheritdoc cref="Hyperparameters.MaxGradientNorm"/>
    public required double MaxGradientNorm { get; init; }

    /// <inheritdoc cref="Hyperparameters.MaxSequenceLength"/>
    public required int MaxSequenceLength { get; init; }

    /// <inheritdoc cref="Hyperparameters.Recompute"/>
    public required bool Recompute { get; init; }

    /// <inheritdoc cref="Hyperparameters.Seed"/>
    public required long Seed { get; init; }

    /// <inheritdoc cref="Hyperparameters.EvaluateEvery"/>
    public required int EvaluateEvery { get; init; }

    /// <inheritdoc cref="Hyperparameters.ExactMatchExamples"/>
    public required int ExactMatchExamples { get; init; }

    /// <inheritdoc cref="Hyperparameters.EarlyStopping"/>
    public required int EarlyStopping { get; init; }

    /// <inheritdoc cref="Hyperparameters.CheckpointEvery"/>
    public required int CheckpointEvery { get; init; }

    /// <inheritdoc cref="Hyperparameters.OutputDtype"/>
    public required string OutputDtype { get; init; }

    /// <summary>Rank, alpha and scaling of every module.</summary>
    /// <param name="time">Time limit of all patterns together.</param>
    internal LoraScaling ToScaling(MatchingTime time) => new()
    {
        Rank = Rank,
        Alpha = Alpha,
        UsesRsLora = UseRsLora,
        RankPattern = [.. RankPattern.Select(pair => (PeftPattern.Suffix(pair.Key, time), pair.Value))],
        AlphaPattern = [.. AlphaPattern.Select(pair => (PeftPattern.Suffix(pair.Key, time), pair.Value))],
    };
}
