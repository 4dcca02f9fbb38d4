using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Lora;
using LoraServe.Text.Faults;
using LoraServe.Text.Templates;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>Loads versions and leases them.</summary>
/// <param name="names">Know what was removed meanwhile, and record damage.</param>
/// <param name="checks">Check versions that are loaded ahead of requests.</param>
/// <param name="loader">Reads them.</param>
/// <param name="cache">Keeps them.</param>
/// <param name="metrics">Count hits, loads and evictions.</param>
/// <param name="logger">Logs loads and failures.</param>
internal sealed partial class AdapterResidents(
    AdapterNames names, VersionChecks checks, AdapterLoader loader, AdapterCache cache, AdapterMetrics metrics, ILogger logger)
{
    /// <summary>A lease on a checked version, loaded if it is not in memory.</summary>
    /// <exception cref="DamagedVersionException">Files of it cannot be loaded.</exception>
    /// <exception cref="AdapterCacheFullException">There is no memory for it.</exception>
    /// <exception cref="AdapterTooLargeException">It does not fit the budget.</exception>
    public async ValueTask<AdapterLease> HoldAsync(ResolvedAdapter resolved, CancellationToken cancellationToken)
    {
        var isHit = true;
        var lease = await cache.AcquireAsync(
            resolved.Version,
            resolved.Name,
            resolved.BytesToLoad,
            () =>
            {
                isHit = false;
                return Load(resolved);
            },
            cancellationToken);
        if (isHit) metrics.Hit(resolved.Name);
        else metrics.Missed(resolved.Name);
        // Its last name may have been removed while it was read, so no request would use it again.
        var catalog = names.Catalog;
        if (resolved.Parts.Any(part => !catalog.Versions.ContainsKey(part.Version.Version))) cache.Evict(resolved.Version);
        return lease;
    }

    /// <summary>The chat templates of an adapter in memory, or null.</summary>
    public ChatTemplates? TemplatesOf(LoraAdapter adapter) => loader.TemplatesOf(adapter);

    /// <summary>Loads ahead of requests, which will report any failure.</summary>
    public void Prefetch(IEnumerable<string> pinned)
    {
        foreach (var name in pinned) _ = Task.Run(() => PrefetchAsync(name));
    }

    /// <summary>
    /// The requested names of adapters that are in memory, as far as they still point there, and of those being loaded or
    /// waiting for memory; each once, most recently used first.
    /// </summary>
    public (IReadOnlyList<string> Loaded, IReadOnlyList<string> Loading) Names()
    {
        var catalog = names.Catalog;
        var (loaded, loading) = cache.Names;
        return ([.. loaded.Where(IsServed).Select(resident => resident.Name).Distinct()], [.. loading.Distinct()]);

        bool IsServed((string Name, AdapterVersionId Version) resident) => catalog.Find(resident.Name) is { } alias
            && (alias.IsMix
                ? catalog.TryResolve(alias, out _)?.Version == resident.Version
                : alias.Current == resident.Version || alias.Split.ContainsKey(resident.Version));
    }

    /// <summary>
    /// Why these can never be in memory at the same time, loaded in this order; null if they can.
    /// </summary>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">A reference cannot be a mix, or a version is ambiguous.</exception>
    public string? WhyNeverTogether(IEnumerable<AdapterReference> references)
    {
        var catalog = names.Catalog;
        var versions = references.Select(reference => catalog.Resolve(reference, static () => 1)).DistinctBy(adapter => adapter.Version).ToList();
        var (held, most) = (0L, 0L);
        foreach (var adapter in versions)
        {
            most = Math.Max(most, held + adapter.BytesToLoad);
            held += adapter.Bytes;
        }

        var pinned = catalog.Pins().Where(pin => versions.All(adapter => adapter.Version != pin.Key)).Sum(pin => pin.Value);
        var room = Math.Max(0, cache.Budget - pinned);
        return most <= room ? null
            : pinned == 0 ? $"need {most} bytes of memory at the same time, adapter-cache-bytes allows {room}"
            : $"need {most} bytes of memory at the same time, pinned adapters leave {room} of the {cache.Budget} of adapter-cache-bytes";
    }

    private async Task PrefetchAsync(string name)
    {
        try
        {
            var resolved = names.Catalog.Resolve(AdapterReference.Parse(name), static () => 1);
            using var lease = await HoldAsync(await checks.CheckAsync(resolved, CancellationToken.None), CancellationToken.None);
        }
        catch (Exception e)
        {
            LogNotPrefetched(logger, name, FaultText.Limit(e.Message));
        }
    }

    private LoraAdapter Load(ResolvedAdapter resolved)
    {
        try
        {
            var adapter = loader.Load(resolved, cache);
            LogLoaded(logger, resolved.Name, resolved.Version.Value, adapter.Bytes);
            metrics.Loaded(resolved.Name);
            return adapter;
        }
        catch (DamagedVersionException e) when (e.IsLasting)
        {
            LogBroken(logger, e.Version.Value, FaultText.Limit(e.Message));
            names.Learn(e.Known, e.Known with { Broken = e.Message });
            throw;
        }
    }

    [LoggerMessage(LogLevel.Information, "Loaded adapter {Name}: version {Version}, {Bytes} bytes")]
    private static partial void LogLoaded(ILogger logger, string name, string version, long bytes);

    [LoggerMessage(LogLevel.Error, "Version {Version} is broken: {Reason}")]
    private static partial void LogBroken(ILogger logger, string version, string reason);

    [LoggerMessage(LogLevel.Warning, "The pinned adapter {Name} is not in memory: {Reason}")]
    private static partial void LogNotPrefetched(ILogger logger, string name, string reason);
}
