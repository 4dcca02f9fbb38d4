using LoraServe.Text.Faults;

namespace LoraServe.Engine.Checkpoints.Safetensors;

/// <summary>
/// A safetensors file violates the format; the message names the file and each tensor at fault, what was expected and what was found.
/// </summary>
internal sealed class InvalidSafetensorsException : Exception
{
    /// <summary>Joins all faults into one message.</summary>
    public InvalidSafetensorsException(string file, params IReadOnlyList<string> faults)
        : base($"{file}: {FaultText.Join(faults)}") => Faults = faults;

    /// <summary>The faults one by one, without the file's name.</summary>
    public IReadOnlyList<string> Faults { get; }
}
