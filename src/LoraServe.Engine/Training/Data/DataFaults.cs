using LoraServe.Engine.Training.Settings;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Data;

/// <summary>Faults of a data file, which end reading once there are enough, or remarks, which do not.</summary>
/// <param name="file">Without its folder.</param>
/// <param name="remarks">What remarks are called; null if they are faults.</param>
internal sealed class DataFaults(string file, string? remarks = null)
{
    private readonly FaultList _faults = new(remarks is null ? faults => new InvalidTrainingException(faults) : null);

    /// <summary>Whether there are any.</summary>
    public bool Any => _faults.Any;

    /// <summary>How many there are, including those not kept.</summary>
    public int Count => _faults.Count;

    /// <summary>Those kept, and how many more there are.</summary>
    public IReadOnlyList<string> All => Count == _faults.Kept.Count
        ? _faults.Kept
        : [.. _faults.Kept, $"{file}: and {Count - _faults.Kept.Count} more {remarks}"];

    /// <summary>Adds a fault of a line.</summary>
    /// <exception cref="InvalidTrainingException">There are enough faults.</exception>
    public void Add(int line, string fault) => _faults.Add($"{file}, line {line}: {fault}");

    /// <summary>Adds a fault of the file.</summary>
    /// <exception cref="InvalidTrainingException">There are enough faults.</exception>
    public void Add(string fault) => _faults.Add($"{file}: {fault}");

    /// <summary>Rejects the file if it has faults.</summary>
    /// <exception cref="InvalidTrainingException">The file has faults.</exception>
    public void ThrowIfAny() => _faults.ThrowIfAny();
}
