namespace LoraServe.Engine.Training.Results;

/// <summary>The result of a training.</summary>
public sealed record TrainingResult
{
    /// <summary>The PEFT folder, or the checkpoint folder of a full training.</summary>
    public required string Folder { get; init; }

    /// <summary>Steps done.</summary>
    public required int Steps { get; init; }

    /// <summary>The step whose parameters the folder holds: the best one on the validation data, else the last.</summary>
    public required int BestStep { get; init; }

    /// <summary>Mean loss of the last steps (at most 10).</summary>
    public required double TrainingLoss { get; init; }

    /// <summary>The validation data at the best step; null if there is none.</summary>
    public required EvaluationFigures? Validation { get; init; }

    /// <summary>Tokens that were trained on.</summary>
    public required long Tokens { get; init; }

    /// <summary>Time it worked, including evaluations and work before a kill, without waiting for requests.</summary>
    public required TimeSpan Elapsed { get; init; }
}
