namespace LoraServe.Engine.Training.Results;

/// <summary>How a training ended.</summary>
public sealed record TrainingResult
{
    /// <summary>The PEFT folder, or the checkpoint folder of a full training.</summary>
    public required string Folder { get; init; }

    /// <summary>Steps that were made.</summary>
    public required int Steps { get; init; }

    /// <summary>The step whose state the folder holds: the best one on the validation data, else the last.</summary>
    public required int BestStep { get; init; }

    /// <summary>Mean loss of the last steps (at most 10).</summary>
    public required double TrainingLoss { get; init; }

    /// <summary>The validation data at the best step; null if there is none.</summary>
    public required EvaluationFigures? Validation { get; init; }

    /// <summary>Tokens that were trained on.</summary>
    public required long Tokens { get; init; }

    /// <summary>Time that it worked, waiting for requests excluded, evaluations and work before a kill included.</summary>
    public required TimeSpan Elapsed { get; init; }
}
