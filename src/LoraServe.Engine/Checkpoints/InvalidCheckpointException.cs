using LoraServe.Text.Faults;

namespace LoraServe.Engine.Checkpoints;

/// <summary>A base model's folder cannot be served; the message names every file and field at fault.</summary>
public sealed class InvalidCheckpointException : Exception
{
    /// <summary>Joins all faults into one message.</summary>
    public InvalidCheckpointException(string path, IReadOnlyList<string> faults)
        : base($"{path} cannot be served: {FaultText.Join(faults)}") => Faults = faults;

    /// <summary>The faults one by one: file, field, what was expected, what was found.</summary>
    public IReadOnlyList<string> Faults { get; }
}
