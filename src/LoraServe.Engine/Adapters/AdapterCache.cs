using LoraServe.Engine.Lora;
using Microsoft.Extensions.Caching.Memory;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// Adapters in memory, by version, behind leases. <see cref="MemoryCache"/> keeps them and counts their bytes; what it lacks is added here:
/// one load for many callers, entries that cannot go while they are leased, and eviction that makes room instead of refusing the new.
/// </summary>
internal sealed class AdapterCache : IDisposable
{
    private readonly long _capacity;
    private readonly Lock _lock = new();

    // Leased entries may exceed the budget, so the limit is enforced here; a limit at all makes MemoryCache count sizes. Its Compact
    // removes a share of the entries, however large, so the order of use is kept here too.
    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = long.MaxValue, TrackStatistics = true });
    private long _uses;

    /// <param name="capacity">Bytes beyond which adapters that nobody leases are evicted, the least recently used first.</param>
    public AdapterCache(long capacity) => _capacity = capacity;

    /// <summary>Bytes of all resident adapters.</summary>
    public long Bytes => _cache.GetCurrentStatistics()!.CurrentEstimatedSize!.Value;

    /// <summary>Number of resident adapters.</summary>
    public int Count => _cache.Count;

    /// <summary>
    /// A lease on a version, loaded off the caller's thread if it is not resident. Concurrent callers share one load and its failure.
    /// </summary>
    /// <param name="version">The key.</param>
    /// <param name="bytes">Size of the loaded adapter's tensors.</param>
    /// <param name="load">Reads the adapter.</param>
    /// <param name="cancellationToken">Stops waiting, not the load.</param>
    public async ValueTask<AdapterLease> AcquireAsync(
        string version, long bytes, Func<LoraAdapter> load, CancellationToken cancellationToken)
    {
        var resident = Hold(version, bytes, load);
        try
        {
            var adapter = await resident.Loading.WaitAsync(cancellationToken);
            return new AdapterLease(adapter, () => Release(resident));
        }
        catch
        {
            Release(resident);
            throw;
        }
    }

    /// <summary>Frees a version as soon as no lease holds it.</summary>
    public void Evict(string version)
    {
        lock (_lock)
        {
            if (!_cache.TryGetValue<Resident>(version, out var resident)) return;
            resident!.IsUnwanted = true;
            if (resident.Leases == 0) Remove(resident);
        }
    }

    /// <summary>Frees every adapter, those that are leased with their last lease.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var resident in Residents())
            {
                resident.IsUnwanted = true;
                if (resident.Leases == 0) Remove(resident);
            }
        }
    }

    private Resident Hold(string version, long bytes, Func<LoraAdapter> load)
    {
        lock (_lock)
        {
            if (!_cache.TryGetValue<Resident>(version, out var resident) || resident!.HasFailed)
            {
                resident = new Resident(version, Task.Run(load, CancellationToken.None));
                _cache.Set(version, resident, new MemoryCacheEntryOptions { Size = bytes, Priority = CacheItemPriority.NeverRemove });
            }

            resident.Leases++;
            resident.LastUse = ++_uses;
            Trim();
            return resident;
        }
    }

    private void Release(Resident resident)
    {
        lock (_lock)
        {
            if (--resident.Leases > 0) return;

            // A failed load may have been replaced by a new one in the meantime.
            var isResident = _cache.TryGetValue<Resident>(resident.Version, out var current) && current == resident;
            if (isResident && (resident.IsUnwanted || resident.HasFailed)) Remove(resident);
            Trim();
        }
    }

    private void Trim()
    {
        while (Bytes > _capacity && Residents().Where(resident => resident.Leases == 0).MinBy(resident => resident.LastUse) is { } oldest)
            Remove(oldest);
    }

    private void Remove(Resident resident)
    {
        _cache.Remove(resident.Version);
        resident.Free();
    }

    private List<Resident> Residents() => [.. _cache.Keys.Select(key => _cache.Get<Resident>(key)!)];

    private sealed class Resident(string version, Task<LoraAdapter> loading)
    {
        public string Version { get; } = version;

        public Task<LoraAdapter> Loading { get; } = loading;

        public bool HasFailed => Loading is { IsCompleted: true, IsCompletedSuccessfully: false };

        public int Leases { get; set; }

        public long LastUse { get; set; }

        public bool IsUnwanted { get; set; }

        public void Free()
        {
            if (Loading.IsCompletedSuccessfully) Loading.Result.Dispose();
            else FreeWhenLoaded();
        }

        // A load whose caller has given up may still be running.
        private void FreeWhenLoaded() => _ = Loading.ContinueWith(
            static loaded => loaded.Result.Dispose(),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
