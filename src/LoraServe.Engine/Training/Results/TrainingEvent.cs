using System.Text.Json.Serialization;

namespace LoraServe.Engine.Training.Results;

/// <summary>An event of a running training.</summary>
public abstract record TrainingEvent;

/// <summary>A step of the optimiser is done.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Loss">Mean cross-entropy of the step's targets in nats, before the step.</param>
/// <param name="TokenAccuracy">Part of the targets that were the most probable token.</param>
/// <param name="LearningRate">Of this step.</param>
/// <param name="GradientNorm">Before it was clipped.</param>
/// <param name="Tokens">Tokens processed in this step.</param>
/// <param name="Elapsed">Time of the step, without waiting for requests.</param>
public sealed record StepMade(
    int Step, double Loss, double TokenAccuracy, double LearningRate, double GradientNorm, long Tokens, TimeSpan Elapsed) : TrainingEvent;

/// <summary>The validation data is about to be evaluated.</summary>
/// <param name="Step">After which step.</param>
public sealed record EvaluationBegun(int Step) : TrainingEvent;

/// <summary>The validation data was evaluated.</summary>
/// <param name="Step">After which step.</param>
/// <param name="Figures">What came out.</param>
/// <param name="IsBest">Whether it is the best so far, and so the training's result.</param>
public sealed record Evaluated(int Step, EvaluationFigures Figures, bool IsBest) : TrainingEvent
{
    /// <summary>By which figure it is the best so far; null if it is not, or was not recorded.</summary>
    public BestBy? By { get; init; }

    /// <summary>", the best so far by loss", or nothing.</summary>
    [JsonIgnore]
    public string Verdict => (IsBest, By) switch
    {
        (true, BestBy.Loss) => ", the best so far by loss",
        (true, BestBy.ExactMatch) => ", the best so far by exact match",
        (true, _) => ", the best so far",
        _ => "",
    };
}

/// <summary>What decides which of two evaluations is better.</summary>
public enum BestBy
{
    /// <summary>Held-out loss: the exact matches differ by no more than the standard error of the difference, or there are none.</summary>
    Loss,

    /// <summary>Exact match: the difference is beyond its standard error.</summary>
    ExactMatch,
}

/// <summary>
/// A checkpoint is about to be written. A killed training does not report earlier steps again, so anything to keep of them
/// must be stored by now.
/// </summary>
/// <param name="Step">After which step.</param>
public sealed record CheckpointBegun(int Step) : TrainingEvent;

/// <summary>A checkpoint is on the disk: a killed training resumes from here. It is reported again then.</summary>
/// <param name="Step">After which step.</param>
/// <param name="AdapterFolder">A PEFT folder of the parameters after that step.</param>
public sealed record CheckpointSaved(int Step, string AdapterFolder) : TrainingEvent;

/// <summary>The last step is done: the base is verified and the result is written.</summary>
public sealed record EndBegun : TrainingEvent;

/// <summary>A note: where it resumes after a kill, or why it stopped early.</summary>
/// <param name="Text">A sentence.</param>
public sealed record Note(string Text) : TrainingEvent;
