using LoraServe.Engine.Training.Planning;
using LoraServe.Training;

namespace LoraServe.Api.FineTuning;

/// <summary>What is known of a training, as it is stored.</summary>
internal sealed record FineTuningState
{
    /// <summary>The hyperparameters once what was left open has been chosen; null before.</summary>
    public BasicHyperparameters? Basic { get; init; }

    public LoraHyperparameters? Lora { get; init; }

    /// <summary>Hash of the training data, once it has been read.</summary>
    public string? Data { get; init; }

    /// <summary>The name that the result was given; null before.</summary>
    public string? Adapter { get; init; }

    /// <summary>The version that the training made, whatever the name means now; known just before the name gets it.</summary>
    public string? Version { get; init; }

    /// <summary>Its PEFT folder within the job's; null before.</summary>
    public string? Folder { get; init; }

    public long? TrainedTokens { get; init; }

    public int? Steps { get; init; }

    public int? BestStep { get; init; }

    public double? TrainingLoss { get; init; }

    public double? ElapsedSeconds { get; init; }

    public FiguresResource? Validation { get; init; }

    /// <summary>Id of the file with the figures of all steps.</summary>
    public string? ResultFile { get; init; }

    /// <summary>The state with what a plan has settled.</summary>
    public FineTuningState With(FineTuningOrder order, TrainingPlan plan) => this with
    {
        Basic = new BasicHyperparameters
        {
            BatchSize = plan.Settings.BatchSize,
            LearningRateMultiplier = order.Basic().LearningRateMultiplier ?? 1,
            NEpochs = order.Basic().NEpochs ?? Epochs(plan),
        },
        Lora = order.Lora().With(plan.Settings),
        Data = plan.Training.Hash,
    };

    private static int Epochs(TrainingPlan plan) =>
        (int)Math.Max(1, Math.Ceiling((double)plan.Settings.Steps * plan.Settings.BatchSize / plan.Training.Examples.Count));
}
