using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// All names and versions: consistent snapshots for readers, and one change at a time. A change is one transaction
/// of the registry, after which the snapshot is replaced. Safe for concurrent use.
/// </summary>
/// <param name="store">Keeps the files of versions as long as they have names.</param>
/// <param name="registry">Keeps the names.</param>
/// <param name="cache">Keeps the versions of pinned names in memory.</param>
/// <param name="uses">Counts uses of names.</param>
/// <param name="logger">Logs what could not be deleted.</param>
internal sealed partial class AdapterNames(AdapterStore store, AdapterRegistry registry, AdapterCache cache, AdapterUses uses, ILogger logger)
{
    // Held while the registry and the snapshot change together.
    private readonly Lock _changing = new();
    private AdapterCatalog _catalog = AdapterCatalog.Empty;

    /// <summary>The names as they are now.</summary>
    public AdapterCatalog Catalog => Volatile.Read(ref _catalog);

    /// <summary>Grows with every change of what exists.</summary>
    public long Generation => registry.Generation;

    /// <summary>The public description of a name now.</summary>
    public AdapterInfo Describe(AdapterAlias alias) => Describe(Catalog).Of(alias);

    /// <summary>The public descriptions of the names of a snapshot.</summary>
    public AdapterDescription Describe(AdapterCatalog catalog) => new(catalog, cache, uses);

    /// <summary>Sets what was found at start.</summary>
    public void Open(AdapterCatalog catalog) => Replace(catalog);

    /// <summary>Locks names against other changes until disposed, on this thread: what is decided from the catalog can be committed.</summary>
    public Lock.Scope BeginChange() => _changing.EnterScope();

    /// <summary>Stores a name, new or changed, and versions that are new; within <see cref="BeginChange"/>.</summary>
    /// <exception cref="InvalidAdapterPatchException">The name is pinned, and all pinned adapters would not fit into memory.</exception>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public AdapterInfo Commit(AdapterAlias alias, params KnownVersion[] versions)
    {
        // The row is rewritten whole; uses since it was read stay.
        alias = alias with { LastUse = uses.LastUse(alias.Name) ?? alias.LastUse };
        var next = _catalog.With(alias, versions);
        CheckPins(next);
        registry.Save(alias, versions);
        Replace(next);
        return Describe(alias);
    }

    /// <summary>
    /// Records a finding about a version, if the catalog still holds what was read: an upload may have mended it since. It holds
    /// even if it cannot be stored.
    /// </summary>
    /// <param name="read">As it was known.</param>
    /// <param name="known">As it is known now.</param>
    public void Learn(KnownVersion read, KnownVersion known)
    {
        using var change = BeginChange();
        if (!ReferenceEquals(_catalog.Versions.GetValueOrDefault(known.Version), read)) return;
        if (known.Broken is not null && HasSeveralFolders(known.Version)) return;
        try
        {
            registry.Save(alias: null, known);
        }
        catch (IOException e)
        {
            LogNotStored(logger, known.Version.Value, e.Message);
        }

        Replace(_catalog.With([known]));
    }

    /// <summary>Removes a name, its history, and the versions that no other name has; within <see cref="BeginChange"/>.</summary>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public void Remove(AdapterAlias alias)
    {
        var unnamed = _catalog.OnlyIn(alias);
        registry.Remove(alias.Name, unnamed);
        Replace(_catalog.Without(alias.Name).Without(unnamed));
        uses.Forget(alias.Name);
        foreach (var version in unnamed) Forget(version);
        registry.FillReserve();
    }

    // Pins follow names wherever they are moved.
    private void Replace(AdapterCatalog catalog)
    {
        Volatile.Write(ref _catalog, catalog);
        cache.Pin(catalog.Pins());
    }

    // A budget smaller than at the last start must not prevent changes that need no more of it.
    private void CheckPins(AdapterCatalog next)
    {
        var pinned = next.Pins().Values.Sum();
        if (pinned <= cache.Budget || pinned <= _catalog.Pins().Values.Sum()) return;
        throw new InvalidAdapterPatchException(
            [$"pinned: all pinned adapters together would take {pinned} bytes, adapter-cache-bytes is {cache.Budget}"]);
    }

    // The files of one may be damaged and those of another not.
    private bool HasSeveralFolders(AdapterVersionId version) => _catalog.Aliases.Values
        .Where(alias => alias.Has(version))
        .Select(alias => store.FolderOf(alias, version))
        .Distinct(StringComparer.Ordinal)
        .Count() > 1;

    private void Forget(AdapterVersionId version)
    {
        cache.Evict(version);
        try
        {
            store.Delete(version);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No name points at it any more; the next start moves it into the trash.
            LogNotDeleted(logger, version.Value, e.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "What was found out about version {Version} is not stored: {Reason}")]
    private static partial void LogNotStored(ILogger logger, string version, string reason);

    [LoggerMessage(LogLevel.Warning, "The files of version {Version} are not deleted: {Reason}")]
    private static partial void LogNotDeleted(ILogger logger, string version, string reason);
}
