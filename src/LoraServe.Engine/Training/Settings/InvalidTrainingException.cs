using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Settings;

/// <summary>A training that cannot begin: its data or its hyperparameters are refused, with every fault.</summary>
/// <param name="faults">Each names the file and line, or the hyperparameter, what was expected and what was found.</param>
public sealed class InvalidTrainingException(IReadOnlyList<string> faults) : Exception(FaultText.Join(faults))
{
    /// <summary>Every fault.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}
