using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <content>Changes of names and versions. Each is one transaction of the registry, after which the snapshot is replaced.</content>
public sealed partial class AdapterManager
{
    /// <summary>Opens a temporary folder to stream an upload into; disposing it leaves nothing behind.</summary>
    public AdapterUpload BeginUpload() => new(_store.IncomingFolder, _limits);

    /// <summary>Validates an upload without storing it.</summary>
    /// <exception cref="InvalidAdapterException">It is refused; the message lists every fault.</exception>
    public Task<AdapterInfo> ValidateAsync(string name, AdapterUpload upload, AddOptions options, CancellationToken cancellationToken) =>
        RunCheckAsync(() => _admission.Check(name, upload.Folder, _time.GetUtcNow(), options.AllowNoEffect), cancellationToken);

    /// <summary>
    /// Validates and stores an upload, durably, under a name. The version that the name pointed at before stays in its history.
    /// </summary>
    /// <param name="name">The alias: a letter or digit, then letters, digits, '.', '_', '-', at most 128 characters.</param>
    /// <param name="upload">What was uploaded.</param>
    /// <param name="options">What is allowed.</param>
    /// <param name="cancellationToken">Leaves the store as it was.</param>
    /// <returns>The adapter; where name and content are the same as before, its files are new and nothing else.</returns>
    /// <exception cref="InvalidAdapterException">It is refused; the message lists every fault.</exception>
    /// <exception cref="AdapterExistsException">The name belongs to other content.</exception>
    /// <exception cref="AdapterReadOnlyException">The name comes from the folder given at start.</exception>
    /// <exception cref="InvalidAdapterPatchException">The name is pinned, and all pinned adapters would not fit into memory.</exception>
    /// <exception cref="IOException">The disk is full or broken; nothing was stored.</exception>
    public async Task<AdapterInfo> AddAsync(string name, AdapterUpload upload, AddOptions options, CancellationToken cancellationToken)
    {
        var info = await ValidateAsync(name, upload, options, cancellationToken);
        options.Storing?.Invoke(info);
        return await Task.Run(
            () =>
            {
                // Before the names are locked: the disk may take long over a large file.
                AdapterStore.Flush(upload.Folder);
                return Add(name, info, upload, upload.Describe(), options, cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>Points a name at an older version again, for all of its requests from now on.</summary>
    /// <param name="name">An adapter.</param>
    /// <param name="toVersionPrefix">The beginning of a version of its history; null for the one before the current one.</param>
    /// <exception cref="UnknownAdapterException">There is no such name or version.</exception>
    /// <exception cref="InvalidAdapterReferenceException">Several versions begin so, or there is no version before the current one.</exception>
    /// <exception cref="AdapterReadOnlyException">The name comes from the folder given at start.</exception>
    /// <exception cref="InvalidAdapterPatchException">The name is pinned, and all pinned adapters would not fit into memory.</exception>
    public AdapterInfo Rollback(string name, string? toVersionPrefix) => Change(name, alias =>
    {
        if (alias.Folder is not null) throw new AdapterReadOnlyException(name);
        if (toVersionPrefix is not null) return alias.RollbackTo(alias.Find(toVersionPrefix));
        return alias.RollbackTo(
            alias.Previous() ?? throw new InvalidAdapterReferenceException($"'{name}' has no version before its current one"));
    });

    /// <summary>Changes how a name is served.</summary>
    /// <exception cref="UnknownAdapterException">There is no such name.</exception>
    /// <exception cref="InvalidAdapterPatchException">The changes cannot be made; the message lists every fault.</exception>
    public AdapterInfo Update(string name, AdapterPatch patch)
    {
        var info = Change(name, patch.Apply);
        if (info.Pinned) Prefetch([name]);
        return info;
    }

    /// <summary>Gives a name to a mix, in the place of the mix that had it.</summary>
    /// <param name="name">As of an adapter.</param>
    /// <param name="parts">Adapters, versions of adapters, and saved mixes; at most 8 adapters all in all.</param>
    /// <exception cref="InvalidAdapterException">The name is refused.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The parts cannot be a mix: the message says why.</exception>
    /// <exception cref="UnknownAdapterException">A part does not exist.</exception>
    /// <exception cref="AdapterExistsException">The name belongs to an adapter.</exception>
    /// <exception cref="InvalidAdapterPatchException">The name is pinned, and all pinned adapters would not fit into memory.</exception>
    public AdapterInfo SaveMix(string name, IReadOnlyList<AdapterPart> parts)
    {
        _admission.CheckName(name);
        var reference = AdapterReference.From(parts);
        lock (_writing)
        {
            var old = _catalog.Find(name);
            if (old is { Folder: not null }) throw new AdapterReadOnlyException(name);
            if (old is { IsMix: false }) throw new AdapterExistsException(name);
            var alias = (old ?? new AdapterAlias { Name = name, Created = _time.GetUtcNow() }) with { Parts = [.. reference.Parts] };
            _catalog.With(alias).Resolve(AdapterReference.From([new(name, 1)]), static () => 1);
            return Commit(alias);
        }
    }

    /// <summary>Takes a name and its history away; false if there was none. Running requests finish on the version they hold.</summary>
    /// <param name="name">An adapter or a saved mix.</param>
    /// <param name="force">Whether to do so also while requests or mixes use it.</param>
    /// <exception cref="AdapterInUseException">Requests or mixes use it.</exception>
    /// <exception cref="AdapterReadOnlyException">The name comes from the folder given at start.</exception>
    public bool Remove(string name, bool force)
    {
        lock (_writing)
        {
            if (_catalog.Find(name) is not { } alias) return false;
            if (alias.Folder is not null) throw new AdapterReadOnlyException(name);
            if (!force) ThrowIfInUse(name);
            var unnamed = _catalog.OnlyIn(alias);
            _registry.Remove(name, unnamed);
            Replace(_catalog.Without(name).Without(unnamed));
            _uses.Forget(name);
            foreach (var version in unnamed) Forget(version);
            _registry.FillReserve();
            LogRemoved(_logger, name);
            return true;
        }
    }

    private AdapterInfo Add(
        string name, AdapterInfo info, AdapterUpload upload, IReadOnlyList<VersionFileEntry> files, AddOptions options, CancellationToken cancellationToken)
    {
        lock (_writing)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (options.Source is { } source && _catalog.Find(source.Name)?.Has(source.Version) != true) throw new UnknownAdapterException(source.Name);
            var old = _catalog.Find(name);
            var known = _catalog.Versions.GetValueOrDefault(info.Version);
            var isSame = old?.Current == info.Version;
            if (old is { Folder: not null }) return isSame ? Description(_catalog).Of(old) : throw new AdapterReadOnlyException(name);
            if (old is not null && !isSame && !options.Replace) throw new AdapterExistsException(name);
            var now = _time.GetUtcNow();
            var version = new KnownVersion
            {
                Description = known?.Description.LoadedBytes == info.LoadedBytes ? known.Description : info,
                CheckedAgainst = _rules,
                Created = known?.Created ?? now,
                Provenance = known?.Provenance,
            };
            var alias = old ?? new AdapterAlias { Name = name, Created = now };
            var before = isSame ? Description(_catalog).Of(alias).Provenance : null;
            var origin = AdapterOrigin.Of(info, options.Provenance ?? before);
            var file = new VersionFile { Version = info.Version, Name = name, Known = version, Origin = origin, Generation = _registry.Generation + 1, Files = files };
            file.Write(upload.Folder);
            _store.Put(info.Version, upload.Folder);
            try
            {
                var added = Commit(isSame ? alias.WithOrigin(origin) : alias.MoveTo(info.Version, now, origin), version);
                LogAdded(_logger, name, info.Version, info.Rank, info.Parameters);
                return added;
            }
            // What the registry has taken in needs its files.
            catch when (known is null && !_catalog.Versions.ContainsKey(info.Version))
            {
                _store.Delete(info.Version);
                throw;
            }
        }
    }

    private AdapterInfo Change(string name, Func<AdapterAlias, AdapterAlias> change)
    {
        lock (_writing) return Commit(change(_catalog.Find(name) ?? throw new UnknownAdapterException(name)));
    }

    private AdapterInfo Commit(AdapterAlias alias, params KnownVersion[] versions)
    {
        // The row is rewritten whole: what was used since it was read stays.
        alias = alias with { LastUse = _uses.LastUse(alias.Name) ?? alias.LastUse };
        var next = _catalog.With(alias, versions);
        CheckPins(next);
        _registry.Save(alias, versions);
        Replace(next);
        return Description(_catalog).Of(alias);
    }

    private void Commit(KnownVersion version)
    {
        _registry.Save(alias: null, version);
        Replace(_catalog.With([version]));
    }

    // A smaller budget than at the last start is no reason to refuse changes that need no more of it.
    private void CheckPins(AdapterCatalog next)
    {
        var pinned = Pins(next).Values.Sum();
        if (pinned <= _cacheBytes || pinned <= Pins(_catalog).Values.Sum()) return;
        throw new InvalidAdapterPatchException(
            [$"pinned: all pinned adapters together would take {pinned} bytes, adapter-cache-bytes is {_cacheBytes}"]);
    }

    private void ThrowIfInUse(string name)
    {
        if (_uses.IsInUse(name)) throw new AdapterInUseException(name, mix: null);
        if (_catalog.MixesWith(name).FirstOrDefault(mix => mix != name) is { } mix) throw new AdapterInUseException(name, mix);
    }

    private void Forget(string version)
    {
        _cache.Evict(version);
        try
        {
            _store.Delete(version);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No name points at it any more; the next start moves it into the trash.
            LogNotDeleted(_logger, version, e.Message);
        }
    }

    [LoggerMessage(LogLevel.Information, "Added adapter {Name}: version {Version}, rank {Rank}, {Parameters} parameters")]
    private static partial void LogAdded(ILogger logger, string name, string version, int rank, long parameters);

    [LoggerMessage(LogLevel.Information, "Removed adapter {Name}")]
    private static partial void LogRemoved(ILogger logger, string name);

    [LoggerMessage(LogLevel.Warning, "The files of version {Version} are not deleted: {Reason}")]
    private static partial void LogNotDeleted(ILogger logger, string version, string reason);
}
