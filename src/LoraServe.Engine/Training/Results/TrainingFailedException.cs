namespace LoraServe.Engine.Training.Results;

/// <summary>A training that started and cannot continue; the message says why, and what to change.</summary>
public sealed class TrainingFailedException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>Whether the parameters are no longer finite: other hyperparameters may work.</summary>
    public bool HasDiverged { get; init; }
}
