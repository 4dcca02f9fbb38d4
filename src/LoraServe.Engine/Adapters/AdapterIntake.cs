using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>Accepts uploads: reads, checks, stores and names them.</summary>
/// <param name="admission">Checks them.</param>
/// <param name="store">Stores their files.</param>
/// <param name="names">Store their names.</param>
/// <param name="limits">Of an upload.</param>
/// <param name="time">Dates them.</param>
/// <param name="logger">Logs what was added.</param>
internal sealed partial class AdapterIntake(
    AdapterAdmission admission, AdapterStore store, AdapterNames names, AdapterLimits limits, TimeProvider time, ILogger logger)
{
    /// <summary>Opens a temporary folder to stream an upload into; disposing it leaves nothing behind.</summary>
    public AdapterUpload Begin() => new(store.IncomingFolder, limits);

    /// <summary>Checks an upload against the base; nothing is stored yet. The caller closes it.</summary>
    /// <param name="name">The name that it is to get: a letter or digit, then letters, digits, '.', '_', '-', at most 128 characters.</param>
    /// <param name="upload">What was uploaded.</param>
    /// <param name="options">What is allowed.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="InvalidAdapterException">It is refused; the message lists every fault.</exception>
    public async Task<CheckedUpload> CheckAsync(string name, AdapterUpload upload, AddOptions options, CancellationToken cancellationToken)
    {
        using var turn = await admission.Turns.TakeAsync(cancellationToken);
        return await Task.Run(() => admission.Check(name, upload, options, time.GetUtcNow()), cancellationToken);
    }

    /// <summary>
    /// Stores an upload that was checked, durably, under its name. The version that the name pointed at before stays in its history.
    /// </summary>
    /// <param name="adapter">The upload, which is closed.</param>
    /// <param name="cancellationToken">Leaves the store as it was.</param>
    /// <returns>The adapter; if name and content are unchanged, only its files are new.</returns>
    /// <exception cref="AdapterExistsException">The name belongs to other content.</exception>
    /// <exception cref="AdapterReadOnlyException">The name comes from the folder given at start.</exception>
    /// <exception cref="InvalidAdapterPatchException">The name is pinned, and all pinned adapters would not fit into memory.</exception>
    /// <exception cref="IOException">The disk is full or broken; nothing was stored.</exception>
    public Task<AdapterInfo> StoreAsync(CheckedUpload adapter, CancellationToken cancellationToken) =>
        Task.Run(() => Store(adapter, cancellationToken), cancellationToken);

    /// <summary>Checks an upload and stores it under a name; see <see cref="CheckAsync"/> and <see cref="StoreAsync"/>.</summary>
    public async Task<AdapterInfo> AddAsync(string name, AdapterUpload upload, AddOptions options, CancellationToken cancellationToken)
    {
        using var adapter = await CheckAsync(name, upload, options, cancellationToken);
        return await StoreAsync(adapter, cancellationToken);
    }

    private AdapterInfo Store(CheckedUpload adapter, CancellationToken cancellationToken)
    {
        // Not every system moves files that are open.
        adapter.Dispose();
        var info = adapter.Info;
        if (names.Catalog.Find(info.Name) is { Folder: not null } own)
            return own.Current == info.Version ? names.Describe(own) : throw new AdapterReadOnlyException(info.Name);
        var (now, files) = (time.GetUtcNow(), adapter.Upload.Describe());
        // The disk may be slow, so everything is written before names are locked, from a snapshot of them.
        var naming = Decide(adapter, files, now);
        var staged = StagedVersion.Of(info.Version, adapter.Upload.Folder);
        staged.Describe(naming.File);

        using var change = names.BeginChange();
        cancellationToken.ThrowIfCancellationRequested();
        naming = Decide(adapter, files, now);
        // Written again only if another change came in between.
        staged.Describe(naming.File);
        var isNew = !names.Catalog.Versions.ContainsKey(info.Version);
        store.Put(staged);
        try
        {
            var added = names.Commit(naming.Alias, naming.File.Known);
            LogAdded(logger, info.Name, info.Version.Value, info.Rank, info.Parameters);
            return added;
        }
        // What the registry has stored needs its files.
        catch when (isNew && !names.Catalog.Versions.ContainsKey(info.Version))
        {
            store.Delete(info.Version);
            throw;
        }
    }

    // The name with the version, and the text that its folder keeps about itself.
    private (AdapterAlias Alias, VersionFile File) Decide(CheckedUpload adapter, IReadOnlyList<VersionFileEntry> files, DateTimeOffset now)
    {
        var (info, options, catalog) = (adapter.Info, adapter.Options, names.Catalog);
        if (options.Source is { } source && catalog.Find(source.Name)?.Has(source.Version) != true) throw new UnknownAdapterException(source.Name);
        var old = catalog.Find(info.Name);
        var isSame = old?.Current == info.Version;
        if (old is not null && !isSame && !options.Replace) throw new AdapterExistsException(info.Name);
        var known = catalog.Versions.GetValueOrDefault(info.Version);
        var version = new KnownVersion
        {
            Description = known?.Description.LoadedBytes == info.LoadedBytes ? known.Description : info,
            CheckedAgainst = admission.Rules,
            Created = known?.Created ?? now,
            Provenance = known?.Provenance,
        };
        var origin = AdapterOrigin.Of(info, options.Provenance ?? (isSame ? old!.Describe(known!).Provenance : null));
        var alias = old ?? new AdapterAlias { Name = info.Name, Created = now };
        return (
            isSame ? alias.WithOrigin(origin) : alias.MoveTo(info.Version, now, origin),
            new VersionFile
            {
                Version = info.Version.Value,
                Name = info.Name,
                Known = version,
                Origin = origin,
                Generation = names.Generation + 1,
                Files = files,
            });
    }

    [LoggerMessage(LogLevel.Information, "Added adapter {Name}: version {Version}, rank {Rank}, {Parameters} parameters")]
    private static partial void LogAdded(ILogger logger, string name, string version, int rank, long parameters);
}
