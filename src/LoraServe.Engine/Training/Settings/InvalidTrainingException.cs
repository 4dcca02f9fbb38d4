using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Settings;

/// <summary>A training cannot start: its data or hyperparameters are invalid; has every fault.</summary>
/// <param name="faults">Each names the file and line, or the hyperparameter, what was expected and what was found.</param>
public sealed class InvalidTrainingException(IReadOnlyList<string> faults) : Exception(FaultText.Join(faults))
{
    /// <summary>Every fault.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}
