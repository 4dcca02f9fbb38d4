using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Data;

/// <summary>A line that is no example.</summary>
/// <param name="faults">Each a sentence without file and line.</param>
internal sealed class ExampleException(params IReadOnlyList<string> faults) : Exception(FaultText.Join(faults))
{
    /// <summary>Every fault of the line.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;

    /// <summary>Whether the line is right, and only too long.</summary>
    public bool IsTooLong { get; init; }
}
