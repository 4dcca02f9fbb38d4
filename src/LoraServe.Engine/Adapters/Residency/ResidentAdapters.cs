using System.Collections;
using Microsoft.Extensions.Caching.Memory;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>
/// What an <see cref="AdapterCache"/>, whose lock guards it, holds: the least recently used first. <see cref="MemoryCache"/> keeps the entries
/// and counts their bytes. At its limit it would refuse the new instead of dropping the old, and it knows nothing of leases, so what goes is
/// decided here, and its limit is only a second guard of the budget.
/// </summary>
/// <param name="cache">Empty, limited to the budget, tracking statistics.</param>
/// <param name="budget">Most bytes of all entries together.</param>
/// <param name="metrics">Count what makes room for others.</param>
internal sealed class ResidentAdapters(MemoryCache cache, long budget, AdapterMetrics metrics) : IEnumerable<ResidentAdapter>
{
    private readonly LinkedList<ResidentAdapter> _byUse = new();

    public int Count => _byUse.Count;

    /// <summary>Of all entries, those that are being loaded among them.</summary>
    public long Bytes => cache.GetCurrentStatistics()!.CurrentEstimatedSize!.Value;

    public long PeakBytes { get; private set; }

    /// <summary>Entries that made room for others.</summary>
    public long Evictions { get; private set; }

    /// <summary>The versions, with their bytes, that stay once they are loaded.</summary>
    public IReadOnlyDictionary<string, long> Pins { get; set; } = new Dictionary<string, long>();

    public ResidentAdapter? Find(string version) => cache.Get<ResidentAdapter>(version);

    /// <summary>An entry for an adapter that is about to be loaded; there is room for it.</summary>
    public ResidentAdapter Reserve(string version, string name, long bytes)
    {
        var resident = new ResidentAdapter(version, name, bytes);
        Set(resident);
        PeakBytes = Math.Max(PeakBytes, Bytes);
        _byUse.AddLast(resident);
        return resident;
    }

    /// <summary>Gives back what was reserved and is not needed.</summary>
    public void Shrink(ResidentAdapter resident, long bytes)
    {
        if (resident.Bytes == bytes) return;
        resident.Bytes = bytes;
        Set(resident);
    }

    /// <summary>Counts a lease on it, which is used now.</summary>
    public void Hold(ResidentAdapter resident)
    {
        resident.Leases++;
        resident.IsUnwanted = false;
        _byUse.Remove(resident);
        _byUse.AddLast(resident);
    }

    /// <summary>
    /// Drops the least recently used of those that are neither leased nor loading nor pinned until so many bytes are free; drops nothing, and
    /// says false, if that would not be enough.
    /// </summary>
    public bool TryMakeRoom(long bytes)
    {
        var missing = Bytes + bytes - budget;
        var victims = new List<ResidentAdapter>();
        foreach (var resident in _byUse.Where(resident => resident.IsIdle && !Pins.ContainsKey(resident.Version)))
        {
            if (missing <= 0) break;
            victims.Add(resident);
            missing -= resident.Bytes;
        }

        if (missing > 0) return false;
        foreach (var victim in victims)
        {
            Remove(victim);
            metrics.Evicted(victim.Name);
        }

        Evictions += victims.Count;
        return true;
    }

    /// <summary>Frees it; nobody holds it.</summary>
    public void Remove(ResidentAdapter resident)
    {
        cache.Remove(resident.Version);
        _byUse.Remove(resident);
        resident.Adapter?.Dispose();
    }

    public IEnumerator<ResidentAdapter> GetEnumerator() => _byUse.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private void Set(ResidentAdapter resident) => cache.Set(
        resident.Version,
        resident,
        new MemoryCacheEntryOptions { Size = resident.Bytes, Priority = CacheItemPriority.NeverRemove });
}
