using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>
/// Adapters in memory, by version, behind leases and within a hard budget. Bytes are reserved before a load begins, and concurrent callers share
/// one load. Adapters that are leased, loading or pinned stay; the least recently used of the others makes room, and callers without room wait
/// in line. Base and compute dtype are fixed for the process, so the version, which for a mix covers its coefficients, is the key.
/// <see cref="ResidentAdapters"/> and <see cref="AdapterLine"/> decide under its lock; loads run on the thread pool. Safe for concurrent use.
/// </summary>
internal sealed class AdapterCache : IDisposable
{
    private readonly AdapterCacheLimits _limits;
    private readonly TimeProvider _time;
    private readonly Turns _turns;
    private readonly Lock _lock = new();
    private readonly ResidentAdapters _residents;
    private readonly AdapterLine _line;

    /// <param name="limits">What it may use.</param>
    /// <param name="time">Times out callers that wait.</param>
    /// <param name="metrics">Count evictions.</param>
    public AdapterCache(AdapterCacheLimits limits, TimeProvider time, AdapterMetrics metrics)
    {
        (_limits, _time) = (limits, time);
        _turns = new Turns(limits.ConcurrentLoads);
        _residents = ResidentAdapters.Within(limits.Bytes, metrics);
        _line = new AdapterLine(_residents, limits);
    }

    /// <summary>Most bytes of all adapters together.</summary>
    public long Budget => _limits.Bytes;

    /// <summary>Counts since the start, and what is held now.</summary>
    public AdapterCacheStatus Status
    {
        get { lock (_lock) return AdapterCacheStatus.Of(Budget, _residents, _line); }
    }

    /// <summary>Whether requests wait for memory.</summary>
    public bool HasWaiters
    {
        get { lock (_lock) return _line.Count > 0; }
    }

    /// <summary>
    /// The names under which versions in memory were last requested, the most recently used first, and those of versions that are being loaded
    /// or wait for memory.
    /// </summary>
    public (IReadOnlyList<(string Name, AdapterVersionId Version)> Loaded, IReadOnlyList<string> Loading) Names
    {
        get { lock (_lock) return (_residents.LoadedNames, [.. _residents.LoadingNames, .. _line.Names]); }
    }

    /// <summary>Where a version is.</summary>
    public AdapterResidency ResidencyOf(AdapterVersionId version)
    {
        lock (_lock)
        {
            if (_residents.Find(version) is { } resident) return resident.IsLoaded ? AdapterResidency.Memory : AdapterResidency.Loading;
            return _line.Has(version) ? AdapterResidency.Loading : AdapterResidency.Disk;
        }
    }

    /// <summary>
    /// A lease on a version, loaded on the thread pool if not resident. Concurrent callers share one load and its failure; the
    /// next caller tries again.
    /// </summary>
    /// <param name="version">The key.</param>
    /// <param name="name">The name in the request.</param>
    /// <param name="bytes">Most memory that the load needs; the unused part is released afterwards.</param>
    /// <param name="load">Reads the adapter.</param>
    /// <param name="cancellationToken">Stops waiting, not the load.</param>
    /// <exception cref="AdapterTooLargeException">It does not fit the budget.</exception>
    /// <exception cref="AdapterCacheFullException">There is no room, and none was freed in time.</exception>
    public async ValueTask<AdapterLease> AcquireAsync(
        AdapterVersionId version, string name, long bytes, Func<LoraAdapter> load, CancellationToken cancellationToken)
    {
        var resident = await HoldAsync(new AdapterCacheWaiter(version, name, bytes, load), cancellationToken);
        try
        {
            return new AdapterLease(await resident.Loading.WaitAsync(cancellationToken), () => Release(resident));
        }
        catch
        {
            Release(resident);
            throw;
        }
    }

    /// <summary>A lease on a version that is in memory now; null if it is not.</summary>
    public AdapterLease? TryAcquire(AdapterVersionId version)
    {
        lock (_lock)
        {
            if (_residents.Find(version) is not { IsLoaded: true } resident) return null;
            _residents.Hold(resident);
            return new AdapterLease(resident.Adapter!, () => Release(resident));
        }
    }

    /// <summary>Frees a version as soon as no lease holds it.</summary>
    public void Evict(AdapterVersionId version)
    {
        lock (_lock)
        {
            if (_residents.Find(version) is { } resident) _residents.Discard(resident);
            Admit();
        }
    }

    /// <summary>Sets the versions, with their bytes, that stay once loaded; replaces the previous set.</summary>
    public void Pin(IReadOnlyDictionary<AdapterVersionId, long> versions)
    {
        lock (_lock)
        {
            _residents.Pins = versions;
            Admit();
        }
    }

    /// <summary>Frees every adapter, a leased one with its last lease, and fails callers that wait.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _line.Fail(new ObjectDisposedException(nameof(AdapterCache)));
            foreach (var resident in _residents.ToList()) _residents.Discard(resident);
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
            return await waiter.WaitAsync(_limits, _time, cancellationToken);
        }
        catch
        {
            Leave(waiter);
            throw;
        }
    }

    private void Leave(AdapterCacheWaiter waiter)
    {
        lock (_lock)
        {
            // The lease may have been granted just as the wait ended.
            if (!_line.Remove(waiter) && waiter.Granted.IsCompletedSuccessfully) Release(waiter.Granted.Result);
            Admit();
        }
    }

    private void Admit()
    {
        // Not on this thread, which holds the lock: a load that fails at once would change the line while it is walked.
        foreach (var (waiter, resident) in _line.Admit()) _ = Task.Run(() => LoadAsync(waiter, resident));
    }

    private void Release(ResidentAdapter resident)
    {
        lock (_lock)
        {
            _residents.Release(resident);
            Admit();
        }
    }

    private async Task LoadAsync(AdapterCacheWaiter waiter, ResidentAdapter resident)
    {
        try
        {
            var adapter = await waiter.LoadAsync(_turns);
            lock (_lock)
            {
                _residents.Settle(resident, adapter);
                Admit();
            }
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
}
