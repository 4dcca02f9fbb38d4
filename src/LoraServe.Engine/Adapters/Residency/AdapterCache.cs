using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Lora;
using Microsoft.Extensions.Caching.Memory;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>
/// Adapters in memory, by version, behind leases and within a hard budget: bytes are reserved before a load begins, many callers share one
/// load, what is leased, loading or pinned stays, the least recently used of the rest makes room, and who finds no room waits in line. Base
/// and compute dtype are those of the process, so the version alone, which for a mix covers its weights, is the key. Safe for concurrent
/// use.
/// </summary>
internal sealed class AdapterCache : IDisposable
{
    private readonly AdapterCacheLimits _limits;
    private readonly TimeProvider _time;
    private readonly Turns _turns;
    private readonly Lock _lock = new();
    private readonly ResidentAdapters _residents;
    private readonly AdapterLine _line;
    private long _loads;

    /// <param name="limits">What it may use.</param>
    /// <param name="time">Ends the patience of who waits.</param>
    /// <param name="metrics">Count what makes room for others.</param>
    public AdapterCache(AdapterCacheLimits limits, TimeProvider time, AdapterMetrics metrics)
    {
        (_limits, _time) = (limits, time);
        _turns = new Turns(limits.ConcurrentLoads);
        var cache = new MemoryCache(new MemoryCacheOptions { SizeLimit = limits.Bytes, TrackStatistics = true });
        _residents = new ResidentAdapters(cache, limits.Bytes, metrics);
        _line = new AdapterLine(_residents, limits);
    }

    /// <summary>Most bytes of all adapters together.</summary>
    public long Budget => _limits.Bytes;

    /// <summary>Counts since the start, and what is held now.</summary>
    public AdapterCacheStatus Status
    {
        get
        {
            lock (_lock)
            {
                var (held, line) = (_residents, _line);
                return new(Budget, held.Bytes, held.PeakBytes, held.Count, line.Count, line.Hits, line.Misses, _loads, held.Evictions);
            }
        }
    }

    /// <summary>Whether requests wait for memory.</summary>
    public bool HasWaiters
    {
        get { lock (_lock) return _line.Count > 0; }
    }

    /// <summary>
    /// The names under which versions in memory, and those that are being loaded or wait for memory, were last asked for, the most recently
    /// used first.
    /// </summary>
    public (IReadOnlyList<(string Name, string Version)> Loaded, IReadOnlyList<string> Loading) Names
    {
        get
        {
            lock (_lock)
            {
                var residents = _residents.Reverse().ToList();
                return (
                    [.. residents.Where(resident => resident.IsLoaded).Select(resident => (resident.Name, resident.Version))],
                    [.. residents.Where(resident => !resident.IsLoaded).Select(resident => resident.Name), .. _line.Names]);
            }
        }
    }

    /// <summary>Where a version is.</summary>
    public AdapterResidency ResidencyOf(string version)
    {
        lock (_lock)
        {
            if (_residents.Find(version) is { } resident) return resident.IsLoaded ? AdapterResidency.Memory : AdapterResidency.Loading;
            return _line.Has(version) ? AdapterResidency.Loading : AdapterResidency.Disk;
        }
    }

    /// <summary>
    /// A lease on a version, loaded on a thread of the pool if it is not resident. Concurrent callers share one load and its failure; a
    /// failure is not kept.
    /// </summary>
    /// <param name="version">The key.</param>
    /// <param name="name">What the caller calls it.</param>
    /// <param name="bytes">Most memory that the load needs; what the adapter does not keep is given back after it.</param>
    /// <param name="load">Reads the adapter.</param>
    /// <param name="cancellationToken">Stops waiting, not the load.</param>
    /// <exception cref="AdapterTooLargeException">There can be no room.</exception>
    /// <exception cref="AdapterCacheFullException">There is no room, or none came up in time.</exception>
    public async ValueTask<AdapterLease> AcquireAsync(
        string version, string name, long bytes, Func<LoraAdapter> load, CancellationToken cancellationToken)
    {
        var resident = await HoldAsync(new AdapterCacheWaiter(version, name, bytes, load), cancellationToken);
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

    /// <summary>A lease on a version that is in memory now; null where it is not.</summary>
    public AdapterLease? TryAcquire(string version)
    {
        lock (_lock)
        {
            if (_residents.Find(version) is not { IsLoaded: true } resident) return null;
            _residents.Hold(resident);
            return new AdapterLease(resident.Adapter!, () => Release(resident));
        }
    }

    /// <summary>Frees a version as soon as no lease holds it.</summary>
    public void Evict(string version)
    {
        lock (_lock)
        {
            if (_residents.Find(version) is not { } resident) return;
            resident.IsUnwanted = true;
            RemoveIfUnwanted(resident);
            Admit();
        }
    }

    /// <summary>Sets the versions, with their bytes, that stay once they are loaded; replaces what was set before.</summary>
    public void Pin(IReadOnlyDictionary<string, long> versions)
    {
        lock (_lock)
        {
            _residents.Pins = versions;
            Admit();
        }
    }

    /// <summary>Frees every adapter, those that are leased with their last lease; who waits is told.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _line.Fail(new ObjectDisposedException(nameof(AdapterCache)));
            foreach (var resident in _residents.ToList())
            {
                resident.IsUnwanted = true;
                RemoveIfUnwanted(resident);
            }
        }
    }

    private async ValueTask<ResidentAdapter> HoldAsync(AdapterCacheWaiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _line.Add(waiter);
            Admit();
        }

        try
        {
            return await waiter.Granted.WaitAsync(_limits.Patience, _time, cancellationToken);
        }
        catch (Exception e)
        {
            Leave(waiter);
            if (e is not TimeoutException) throw;
            throw _limits.Impatience(waiter);
        }
    }

    private void Leave(AdapterCacheWaiter waiter)
    {
        lock (_lock)
        {
            // It may have been served at the very moment when it gave up.
            if (!_line.Remove(waiter) && waiter.Granted.IsCompletedSuccessfully) Release(waiter.Granted.Result);
            Admit();
        }
    }

    private void Admit()
    {
        // Not here, where the lock is held: a load that fails at once would come back to the line in the middle of it.
        foreach (var (waiter, resident) in _line.Admit()) _ = Task.Run(() => LoadAsync(waiter, resident));
    }

    private void Release(ResidentAdapter resident)
    {
        lock (_lock)
        {
            resident.Leases--;
            RemoveIfUnwanted(resident);
            Admit();
        }
    }

    private async Task LoadAsync(AdapterCacheWaiter waiter, ResidentAdapter resident)
    {
        try
        {
            Settle(resident, await waiter.LoadAsync(_turns));
        }
        catch (Exception e)
        {
            lock (_lock)
            {
                _residents.Remove(resident);
                Admit();
            }

            resident.FailLoading(e);
        }
    }

    private void Settle(ResidentAdapter resident, LoraAdapter adapter)
    {
        lock (_lock)
        {
            _loads++;
            resident.Adapter = adapter;
            _residents.Shrink(resident, adapter.Bytes);
            resident.EndLoading();
            RemoveIfUnwanted(resident);
            Admit();
        }
    }

    private void RemoveIfUnwanted(ResidentAdapter resident)
    {
        if (resident is { IsUnwanted: true, IsIdle: true }) _residents.Remove(resident);
    }
}
