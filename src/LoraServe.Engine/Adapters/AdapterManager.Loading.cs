using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Text.Faults;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <content>Loading: from references to leases on adapters in memory.</content>
public sealed partial class AdapterManager
{
    /// <summary>
    /// A lease on the version that a reference means now, or on the mix of several, loaded into memory if it is not yet there. Where a name
    /// is split between versions, this request gets one of them by chance; the lease says which.
    /// </summary>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference cannot be a mix, or a version is ambiguous.</exception>
    /// <exception cref="DamagedAdapterException">Its files were changed or damaged since it was accepted.</exception>
    /// <exception cref="AdapterCacheFullException">There is no memory for it.</exception>
    /// <exception cref="AdapterTooLargeException">There can be no memory for it.</exception>
    public ValueTask<AdapterLease> AcquireAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        AcquireAsync(reference, Chance, cancellationToken);

    /// <summary>The same, but where a name is split, the version that it points at: the one of <see cref="VersionOf"/>.</summary>
    public ValueTask<AdapterLease> AcquireCurrentAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        AcquireAsync(reference, static () => 1, cancellationToken);

    /// <summary>The version of an adapter or a mix; where a name is split, the one that it points at.</summary>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference cannot be a mix, or a version is ambiguous.</exception>
    public string VersionOf(AdapterReference reference) => Catalog.Resolve(reference, static () => 1).Version;

    /// <summary>
    /// Why these can never be in memory at the same time, loaded in this order, however long somebody waits; null if they can.
    /// </summary>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">A reference cannot be a mix, or a version is ambiguous.</exception>
    public string? WhyNeverTogether(IEnumerable<AdapterReference> references)
    {
        var catalog = Catalog;
        var versions = references.Select(reference => catalog.Resolve(reference, static () => 1)).DistinctBy(adapter => adapter.Version).ToList();
        var (held, most) = (0L, 0L);
        foreach (var adapter in versions)
        {
            most = Math.Max(most, held + adapter.BytesToLoad);
            held += adapter.Bytes;
        }

        var pinned = Pins(catalog).Where(pin => versions.All(adapter => adapter.Version != pin.Key)).Sum(pin => pin.Value);
        var room = Math.Max(0, _cacheBytes - pinned);
        return most <= room ? null
            : pinned == 0 ? $"need {most} bytes of memory at the same time, adapter-cache-bytes allows {room}"
            : $"need {most} bytes of memory at the same time, pinned adapters leave {room} of the {_cacheBytes} of adapter-cache-bytes";
    }

    private async ValueTask<AdapterLease> AcquireAsync(
        AdapterReference reference, Func<double> chance, CancellationToken cancellationToken)
    {
        while (true)
        {
            var resolved = Catalog.Resolve(reference, chance);
            _uses.Begin(resolved.Names);
            var isLeased = false;
            try
            {
                var lease = await AcquireAsync(resolved, cancellationToken);
                isLeased = true;
                return lease;
            }
            catch (Exception e) when (e is not OperationCanceledException && HasChanged(resolved))
            {
                // A name was moved or removed, or a version mended, while the old one was being read.
            }
            finally
            {
                if (!isLeased) _uses.End(resolved.Names);
            }
        }
    }

    /// <summary>See <see cref="AcquireAsync(AdapterReference, CancellationToken)"/>.</summary>
    public ValueTask<AdapterLease> AcquireAsync(string reference, CancellationToken cancellationToken) =>
        AcquireAsync(AdapterReference.Parse(reference), cancellationToken);

    private async ValueTask<AdapterLease> AcquireAsync(ResolvedAdapter resolved, CancellationToken cancellationToken)
    {
        resolved = await CheckAsync(resolved, cancellationToken);
        try
        {
            var lease = await HoldAsync(resolved, cancellationToken);
            return new AdapterLease(lease, () => _uses.End(resolved.Names))
            {
                Name = resolved.Name,
                Mode = resolved.Mode,
                Weight = resolved.Weight,
                ChatTemplates = _loader.TemplatesOf(lease.Adapter),
            };
        }
        catch (DamagedVersionException e)
        {
            throw Damaged(resolved, e);
        }
    }

    private static DamagedAdapterException Damaged(ResolvedAdapter resolved, DamagedVersionException e)
    {
        var name = resolved.Parts.First(part => part.Version.Version == e.Version).Alias.Name;
        return new DamagedAdapterException(name, e.Message, e);
    }

    private async ValueTask<AdapterLease> HoldAsync(ResolvedAdapter resolved, CancellationToken cancellationToken)
    {
        var isLoaded = true;
        var lease = await _cache.AcquireAsync(
            resolved.Version,
            resolved.Name,
            resolved.BytesToLoad,
            () =>
            {
                isLoaded = false;
                return Load(resolved);
            },
            cancellationToken);
        Found?.Invoke(resolved.Name, isLoaded);
        // Its last name may have been taken away while it was read: nobody would ask for it again.
        var catalog = Catalog;
        if (resolved.Parts.Any(part => !catalog.Versions.ContainsKey(part.Version.Version))) _cache.Evict(resolved.Version);
        return lease;
    }

    private Lora.LoraAdapter Load(ResolvedAdapter resolved)
    {
        try
        {
            var adapter = _loader.Load(resolved, part => FolderOf(part.Alias, part.Version.Version), _cache.TryAcquire);
            LogLoaded(_logger, resolved.Name, resolved.Version, adapter.Bytes);
            Loaded?.Invoke(resolved.Name);
            return adapter;
        }
        catch (DamagedVersionException e) when (e.IsLasting)
        {
            LogBroken(_logger, e.Version, FaultText.Limit(e.Message));
            Update(e.Known, e.Known with { Broken = e.Message });
            throw;
        }
    }

    private async Task<ResolvedAdapter> CheckAsync(ResolvedAdapter resolved, CancellationToken cancellationToken) =>
        resolved with { Parts = [.. await Task.WhenAll(resolved.Parts.Select(part => CheckAsync(part, cancellationToken)))] };

    // What was checked for this base is taken as it is; what was not, for instance because the server has another base now, is checked first.
    private async Task<ResolvedPart> CheckAsync(ResolvedPart part, CancellationToken cancellationToken)
    {
        var known = part.Version;
        if (known.CheckedAgainst != _rules) known = await RunCheckAsync(() => Recheck(part), cancellationToken);
        return known.Broken is null ? part with { Version = known } : throw new DamagedAdapterException(part.Alias.Name, known.Broken);
    }

    private async Task<T> RunCheckAsync<T>(Func<T> check, CancellationToken cancellationToken)
    {
        await _checks.WaitAsync(cancellationToken);
        try
        {
            return await Task.Run(check, cancellationToken);
        }
        finally
        {
            _checks.Release();
        }
    }

    private KnownVersion Recheck(ResolvedPart part)
    {
        var version = part.Version.Version;
        // Another request may have done it in the meantime.
        if (Catalog.Versions.GetValueOrDefault(version) is { } current && current.CheckedAgainst == _rules) return current;
        var known = part.Version with { CheckedAgainst = _rules, Broken = null };
        try
        {
            var info = _admission.Check("unnamed", FolderOf(part.Alias, version), _time.GetUtcNow(), allowNoEffect: true, inMemory: true);
            known = info.Version == version
                ? known with { Description = info }
                : known with { Broken = $"its files are damaged: they hash to {info.Version} instead of {version}." };
        }
        catch (InvalidAdapterException e)
        {
            known = known with { Broken = $"{e.Message}." };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DamagedAdapterException(part.Alias.Name, "its files cannot be read.", e);
        }

        Update(part.Version, known);
        return known;
    }

    // Only while the catalog holds what was read: an upload may have mended it since. What is known in memory is right even if it cannot be
    // stored.
    private void Update(KnownVersion read, KnownVersion known)
    {
        lock (_writing)
        {
            if (!ReferenceEquals(_catalog.Versions.GetValueOrDefault(known.Version), read)) return;
            if (known.Broken is not null && HasSeveralFolders(known.Version)) return;
            try
            {
                Commit(known);
            }
            catch (IOException e)
            {
                LogNotWritten(_logger, e.Message);
                Replace(_catalog.With([known]));
            }
        }
    }

    // The files of one may be damaged and those of another not.
    private bool HasSeveralFolders(string version) => _catalog.Aliases.Values
        .Where(alias => alias.History.Any(entry => entry.Version == version))
        .Select(alias => FolderOf(alias, version))
        .Distinct(StringComparer.Ordinal)
        .Count() > 1;

    private bool HasChanged(ResolvedAdapter resolved)
    {
        var catalog = Catalog;
        return resolved.Parts.Any(part => !ReferenceEquals(catalog.Versions.GetValueOrDefault(part.Version.Version), part.Version))
            || resolved.Names.Any(name => catalog.Find(name) is null);
    }

    private double Chance()
    {
        lock (_random) return _random.NextDouble();
    }

    // Loads ahead of requests; they will tell what goes wrong.
    private void Prefetch(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            _ = Task.Run(async () =>
            {
                try
                {
                    var resolved = Catalog.Resolve(AdapterReference.Parse(name), static () => 1);
                    using var lease = await HoldAsync(await CheckAsync(resolved, CancellationToken.None), CancellationToken.None);
                }
                catch (Exception e)
                {
                    LogNotPrefetched(_logger, name, FaultText.Limit(e.Message));
                }
            });
        }
    }

    [LoggerMessage(LogLevel.Information, "Loaded adapter {Name}: version {Version}, {Bytes} bytes")]
    private static partial void LogLoaded(ILogger logger, string name, string version, long bytes);

    [LoggerMessage(LogLevel.Error, "Version {Version} is broken: {Reason}")]
    private static partial void LogBroken(ILogger logger, string version, string reason);

    [LoggerMessage(LogLevel.Warning, "The pinned adapter {Name} is not in memory: {Reason}")]
    private static partial void LogNotPrefetched(ILogger logger, string name, string reason);
}
