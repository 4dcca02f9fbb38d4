using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Data;

/// <summary>A line that is not a valid example.</summary>
/// <param name="faults">Each a sentence without file and line.</param>
internal sealed class ExampleException(params IReadOnlyList<string> faults) : Exception(FaultText.Join(faults))
{
    /// <summary>Every fault of the line.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;

    /// <summary>Whether the line is valid but too long.</summary>
    public bool IsTooLong { get; init; }
}
