namespace LoraServe.Engine.Checkpoints;

/// <summary>A base model's folder cannot be served; the message names every file and field at fault.</summary>
public sealed class InvalidCheckpointException : Exception
{
    /// <summary>Joins all faults into one message.</summary>
    public InvalidCheckpointException(string path, IReadOnlyCollection<string> faults)
        : base($"{path} cannot be served: {string.Join("; ", faults)}") => Faults = faults;

    /// <summary>Each fault on its own: file, field, what was expected, what was found.</summary>
    public IReadOnlyCollection<string> Faults { get; }
}
