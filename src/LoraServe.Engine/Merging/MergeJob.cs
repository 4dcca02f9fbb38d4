using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Merging;

/// <summary>A merge in the queue, and those who wait for it: sequences that always run merged, and people.</summary>
/// <param name="name">The name under which it was first asked for.</param>
/// <param name="plain">Keeps the adapter in memory; disposed when the merge ends.</param>
/// <param name="bytes">Of the slot.</param>
internal sealed class MergeJob(string name, AdapterLease plain, long bytes)
{
    private readonly List<Sequence> _sequences = [];
    private readonly List<TaskCompletionSource> _pins = [];

    /// <summary>The name under which it was first asked for.</summary>
    public string Name { get; } = name;

    public AdapterLease Plain { get; } = plain;

    public AdapterVersionId Version => Plain.Version;

    public long Bytes { get; } = bytes;

    /// <summary>Whether it was queued for its saving, so it continues without waiters.</summary>
    public bool IsAutomatic { get; init; }

    /// <summary>Whether it should continue.</summary>
    public bool IsWanted => IsAutomatic || WaiterCount > 0;

    /// <summary>How many wait for it.</summary>
    public int WaiterCount => _sequences.Count + _pins.Count;

    /// <summary>The sequences that wait for it.</summary>
    public IReadOnlyList<Sequence> Sequences => _sequences;

    /// <summary>The people who wait for it, by what tells them of its end.</summary>
    public IReadOnlyList<TaskCompletionSource> Pins => _pins;

    public void Add(Sequence sequence) => _sequences.Add(sequence);

    public void Add(TaskCompletionSource pin) => _pins.Add(pin);

    /// <summary>Stops waiting for a sequence; false where it does not wait for this merge.</summary>
    public bool Remove(Sequence sequence) => _sequences.Remove(sequence);

    /// <summary>Stops waiting for a person; false where that one does not wait for this merge.</summary>
    public bool Remove(TaskCompletionSource pin) => _pins.Remove(pin);
}
