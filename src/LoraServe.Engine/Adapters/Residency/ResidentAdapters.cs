using System.Collections;
using LoraServe.Engine.Lora;
using Microsoft.Extensions.Caching.Memory;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>
/// The entries of an <see cref="AdapterCache"/>, whose lock guards them, the least recently used first. Decides which entries are evicted.
/// <see cref="MemoryCache"/> keeps them and counts their bytes; at its limit it would refuse new entries instead of evicting old ones, and it
/// knows no leases, so its limit is only a second guard of the budget.
/// </summary>
/// <param name="cache">Empty, limited to the budget, tracking statistics.</param>
/// <param name="budget">Most bytes of all entries together.</param>
/// <param name="metrics">Count evictions.</param>
internal sealed class ResidentAdapters(MemoryCache cache, long budget, AdapterMetrics metrics) : IEnumerable<ResidentAdapter>
{
    private readonly LinkedList<ResidentAdapter> _byUse = new();

    public int Count => _byUse.Count;

    /// <summary>Memory of all entries, including those being loaded.</summary>
    public long Bytes => cache.GetCurrentStatistics()!.CurrentEstimatedSize!.Value;

    public long PeakBytes { get; private set; }

    /// <summary>Loads that succeeded.</summary>
    public long Loads { get; private set; }

    /// <summary>Entries that made room for others.</summary>
    public long Evictions { get; private set; }

    /// <summary>Names and versions of the loaded entries, the most recently used first.</summary>
    public IReadOnlyList<(string Name, AdapterVersionId Version)> LoadedNames =>
        [.. _byUse.Reverse().Where(resident => resident.IsLoaded).Select(resident => (resident.Name, resident.Version))];

    /// <summary>Names of the entries that are being loaded, the most recently used first.</summary>
    public IReadOnlyList<string> LoadingNames => [.. _byUse.Reverse().Where(resident => !resident.IsLoaded).Select(resident => resident.Name)];

    /// <summary>The versions, with their bytes, that stay once loaded.</summary>
    public IReadOnlyDictionary<AdapterVersionId, long> Pins { get; set; } = new Dictionary<AdapterVersionId, long>();

    /// <summary>Without entries yet.</summary>
    public static ResidentAdapters Within(long budget, AdapterMetrics metrics) =>
        new(new MemoryCache(new MemoryCacheOptions { SizeLimit = budget, TrackStatistics = true }), budget, metrics);

    public ResidentAdapter? Find(AdapterVersionId version) => cache.Get<ResidentAdapter>(version);

    /// <summary>Adds an entry for an adapter about to be loaded; there is room for it.</summary>
    public ResidentAdapter Reserve(AdapterVersionId version, string name, long bytes)
    {
        var resident = new ResidentAdapter(version, name, bytes);
        Set(resident);
        PeakBytes = Math.Max(PeakBytes, Bytes);
        _byUse.AddLast(resident);
        return resident;
    }

    /// <summary>Puts the loaded adapter into its entry, and releases what was reserved and is not needed.</summary>
    public void Settle(ResidentAdapter resident, LoraAdapter adapter)
    {
        Loads++;
        resident.Adapter = adapter;
        if (resident.Bytes != adapter.Bytes)
        {
            resident.Bytes = adapter.Bytes;
            Set(resident);
        }

        resident.EndLoading();
        RemoveIfUnwanted(resident);
    }

    /// <summary>Counts a lease on an entry, which makes it the most recently used.</summary>
    public void Hold(ResidentAdapter resident)
    {
        resident.Leases++;
        resident.IsUnwanted = false;
        _byUse.Remove(resident);
        _byUse.AddLast(resident);
    }

    /// <summary>Ends a lease.</summary>
    public void Release(ResidentAdapter resident)
    {
        resident.Leases--;
        RemoveIfUnwanted(resident);
    }

    /// <summary>Frees an entry now, or with its last lease.</summary>
    public void Discard(ResidentAdapter resident)
    {
        resident.IsUnwanted = true;
        RemoveIfUnwanted(resident);
    }

    /// <summary>
    /// Evicts the least recently used entries that are neither leased nor loading nor pinned until enough bytes are free. Evicts none and
    /// returns false if that would not be enough.
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

    /// <summary>Frees an entry without leases.</summary>
    public void Remove(ResidentAdapter resident)
    {
        cache.Remove(resident.Version);
        _byUse.Remove(resident);
        resident.Adapter?.Dispose();
    }

    public IEnumerator<ResidentAdapter> GetEnumerator() => _byUse.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private void RemoveIfUnwanted(ResidentAdapter resident)
    {
        if (resident is { IsUnwanted: true, IsIdle: true }) Remove(resident);
    }

    private void Set(ResidentAdapter resident) => cache.Set(
        resident.Version,
        resident,
        new MemoryCacheEntryOptions { Size = resident.Bytes, Priority = CacheItemPriority.NeverRemove });
}
