using LoraServe.Engine.Training.Settings;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Data;

/// <summary>What is wrong with a data file, which ends reading it once there is enough, or what is remarkable, which does not.</summary>
/// <param name="file">Without its folder.</param>
/// <param name="remarks">What they are called where they are only remarkable; null: they are faults.</param>
internal sealed class DataFaults(string file, string? remarks = null)
{
    private readonly FaultList _faults = new(remarks is null ? faults => new InvalidTrainingException(faults) : null);

    /// <summary>Whether there is one.</summary>
    public bool Any => _faults.Any;

    /// <summary>How many there are, those that are not kept included.</summary>
    public int Count => _faults.Count;

    /// <summary>All that are kept, and how many more there are.</summary>
    public IReadOnlyList<string> All => Count == _faults.Kept.Count
        ? _faults.Kept
        : [.. _faults.Kept, $"{file}: and {Count - _faults.Kept.Count} more {remarks}"];

    /// <summary>Adds one of a line.</summary>
    /// <exception cref="InvalidTrainingException">There are enough faults.</exception>
    public void Add(int line, string fault) => _faults.Add($"{file}, line {line}: {fault}");

    /// <summary>Adds one of the file.</summary>
    /// <exception cref="InvalidTrainingException">There are enough faults.</exception>
    public void Add(string fault) => _faults.Add($"{file}: {fault}");

    /// <summary>Refuses the file if it has faults.</summary>
    /// <exception cref="InvalidTrainingException">It has.</exception>
    public void ThrowIfAny() => _faults.ThrowIfAny();
}
