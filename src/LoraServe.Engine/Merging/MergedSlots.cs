using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Merging;

/// <summary>
/// Merged weights by adapter version, within a budget of bytes that is counted before anything is allocated. Belongs to the engine's thread.
/// </summary>
/// <param name="budget">Most bytes of all slots, those being filled included; 0 allows none.</param>
/// <param name="metrics">Counts the slots that are given up.</param>
internal sealed class MergedSlots(long budget, MergeMetrics metrics) : IDisposable
{
    private readonly Dictionary<AdapterVersionId, MergedSlot> _slots = [];
    private long _reserved;

    /// <summary>Most bytes of all slots.</summary>
    public long Budget { get; } = budget;

    /// <summary>Bytes of all slots, and those reserved for slots being filled.</summary>
    public long Bytes
    {
        get
        {
            var bytes = _reserved;
            foreach (var slot in _slots.Values) bytes += slot.Bytes;
            return bytes;
        }
    }

    /// <summary>Every slot.</summary>
    public Dictionary<AdapterVersionId, MergedSlot>.ValueCollection All => _slots.Values;

    /// <summary>The slot of this version, or null.</summary>
    public MergedSlot? Find(AdapterVersionId version) => _slots.GetValueOrDefault(version);

    /// <summary>The slots to give up so that so many bytes are free; null if there is no room even without all that can go.</summary>
    /// <param name="bytes">Of the slot to be filled.</param>
    /// <param name="leastValuableFirst">Slots in the order in which they go.</param>
    public IReadOnlyList<MergedSlot>? RoomFor(long bytes, IEnumerable<MergedSlot> leastValuableFirst)
    {
        var given = new List<MergedSlot>();
        var free = Budget - Bytes;
        foreach (var slot in leastValuableFirst.Where(slot => slot.CanGo))
        {
            if (free >= bytes) break;
            given.Add(slot);
            free += slot.Bytes;
        }

        return free >= bytes ? given : null;
    }

    /// <summary>Whether there will be room once no sequence uses the slots that are not pinned.</summary>
    public bool CanEverHold(long bytes) => bytes <= Budget - PinnedBytes;

    /// <summary>Why there is no room for so many bytes, for a person.</summary>
    public string Shortage(long bytes) =>
        $"Merged weights of this adapter need {bytes} bytes, and the server's budget for merged weights is {Budget} bytes"
        + (PinnedBytes > 0 ? $", of which {PinnedBytes} are pinned: unmerge an adapter that was merged by hand" : "")
        + (bytes > Budget ? ": raise --merged-bytes or use mode auto or unmerged." : ".");

    /// <summary>Takes bytes out of the budget for a slot to be filled.</summary>
    public void Reserve(long bytes)
    {
        if (bytes > Budget - Bytes) throw new InvalidOperationException($"{bytes} bytes do not fit into {Budget} with {Bytes} in use.");
        _reserved += bytes;
    }

    /// <summary>Gives a reservation back.</summary>
    public void Release(long bytes) => _reserved -= bytes;

    /// <summary>Turns a reservation into a slot.</summary>
    /// <param name="plain">A lease, taken over.</param>
    /// <param name="merged">Taken over.</param>
    /// <param name="bytes">The reservation.</param>
    public MergedSlot Fill(AdapterLease plain, MergedTensors merged, long bytes)
    {
        var slot = new MergedSlot(plain, merged, bytes);
        _slots.Add(slot.Version, slot);
        Release(bytes);
        return slot;
    }

    /// <summary>Frees a slot.</summary>
    public void Drop(MergedSlot slot) => Vacate(slot).Dispose();

    /// <summary>Ends a slot and hands its memory over, which must be reserved again or freed.</summary>
    public Tensor Vacate(MergedSlot slot)
    {
        _slots.Remove(slot.Version);
        metrics.Unmerged(slot.Version);
        return slot.Vacate();
    }

    private long PinnedBytes => _slots.Values.Where(slot => slot.IsPinned).Sum(slot => slot.Bytes);

    /// <summary>Frees all slots.</summary>
    public void Dispose()
    {
        foreach (var slot in _slots.Values) slot.Dispose();
        _slots.Clear();
    }
}
