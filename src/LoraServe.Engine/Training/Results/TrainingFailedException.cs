namespace LoraServe.Engine.Training.Results;

/// <summary>A training that started and cannot continue; the message says why, and what to change.</summary>
public sealed class TrainingFailedException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>Whether what was learned is no longer finite: other hyperparameters may do.</summary>
    public bool HasDiverged { get; init; }
}
