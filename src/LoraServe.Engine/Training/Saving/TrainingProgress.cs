namespace LoraServe.Engine.Training.Saving;

/// <summary>How far a training is, beside its tensors: what it needs to go on as if it had never been interrupted.</summary>
internal sealed record TrainingProgress
{
    /// <summary>Steps that were made.</summary>
    public required int Step { get; init; }

    /// <summary>The last step whose state was evaluated; 0 while there is none.</summary>
    public int EvaluatedStep { get; init; }

    /// <summary>The step whose state is the best so far; null while there is none.</summary>
    public int? BestStep { get; init; }

    /// <summary>The validation data at <see cref="BestStep"/>.</summary>
    public EvaluationFigures? Best { get; init; }

    /// <summary>Evaluations since the best one.</summary>
    public int EvaluationsSinceBest { get; init; }

    /// <summary>Losses of the last steps, the newest last.</summary>
    public IReadOnlyList<double> RecentLosses { get; init; } = [];

    /// <summary>Tokens that were trained on.</summary>
    public long Tokens { get; init; }

    /// <summary>Time that it worked.</summary>
    public TimeSpan Elapsed { get; init; }
}
