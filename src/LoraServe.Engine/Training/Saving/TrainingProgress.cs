using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Saving;

/// <summary>Progress of a training beside its tensors: what it needs to resume as if never interrupted.</summary>
internal sealed record TrainingProgress
{
    // The training loss is the mean of this many losses.
    private const int MostRecentLosses = 10;

    /// <summary>Steps done.</summary>
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

    /// <summary>Time it worked.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>The progress after one more step.</summary>
    /// <param name="loss">Of the step.</param>
    /// <param name="tokens">That the step was trained on.</param>
    /// <param name="elapsed">Time the training worked, including the step.</param>
    public TrainingProgress AfterStep(double loss, long tokens, TimeSpan elapsed) => this with
    {
        Step = Step + 1,
        RecentLosses = [.. RecentLosses.Append(loss).TakeLast(MostRecentLosses)],
        Tokens = Tokens + tokens,
        Elapsed = elapsed,
    };

    /// <summary>The progress after an evaluation.</summary>
    /// <param name="figures">The validation data.</param>
    /// <param name="isBest">Whether the figures are the best so far.</param>
    /// <param name="elapsed">Time the training worked, including the evaluation.</param>
    public TrainingProgress AfterEvaluation(EvaluationFigures figures, bool isBest, TimeSpan elapsed) => this with
    {
        EvaluatedStep = Step,
        BestStep = isBest ? Step : BestStep,
        Best = isBest ? figures : Best,
        EvaluationsSinceBest = isBest ? 0 : EvaluationsSinceBest + 1,
        Elapsed = elapsed,
    };
}
