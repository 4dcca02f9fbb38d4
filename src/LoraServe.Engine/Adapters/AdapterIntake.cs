using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>Takes uploads in: reads, checks, stores and names them.</summary>
/// <param name="admission">Checks them.</param>
/// <param name="store">Gets their files.</param>
/// <param name="names">Get their names.</param>
/// <param name="limits">Of an upload.</param>
/// <param name="time">Dates them.</param>
/// <param name="logger">Told what was added.</param>
internal sealed partial class AdapterIntake(
    AdapterAdmission admission, AdapterStore store, AdapterNames names, AdapterLimits limits, TimeProvider time, ILogger logger)
{
    /// <summary>Opens a temporary folder to stream an upload into; disposing it leaves nothing behind.</summary>
    public AdapterUpload Begin() => new(store.IncomingFolder, limits);

    /// <summary>Validates an upload without storing it.</summary>
    /// <exception cref="InvalidAdapterException">It is refused; the message lists every fault.</exception>
    public async Task<AdapterInfo> ValidateAsync(string name, AdapterUpload upload, AddOptions options, CancellationToken cancellationToken)
    {
        using var turn = await admission.Turns.TakeAsync(cancellationToken);
        return await Task.Run(() => admission.Check(name, upload.Folder, time.GetUtcNow(), options.AllowNoEffect), cancellationToken);
    }

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

    private AdapterInfo Add(
        string name, AdapterInfo info, AdapterUpload upload, IReadOnlyList<VersionFileEntry> files, AddOptions options, CancellationToken cancellationToken)
    {
        using var change = names.BeginChange();
        cancellationToken.ThrowIfCancellationRequested();
        var catalog = names.Catalog;
        if (options.Source is { } source && catalog.Find(source.Name)?.Has(source.Version) != true) throw new UnknownAdapterException(source.Name);
        var old = catalog.Find(name);
        var known = catalog.Versions.GetValueOrDefault(info.Version);
        var isSame = old?.Current == info.Version;
        if (old is { Folder: not null }) return isSame ? names.Describe(old) : throw new AdapterReadOnlyException(name);
        if (old is not null && !isSame && !options.Replace) throw new AdapterExistsException(name);
        var now = time.GetUtcNow();
        var version = new KnownVersion
        {
            Description = known?.Description.LoadedBytes == info.LoadedBytes ? known.Description : info,
            CheckedAgainst = admission.Rules,
            Created = known?.Created ?? now,
            Provenance = known?.Provenance,
        };
        var alias = old ?? new AdapterAlias { Name = name, Created = now };
        var before = isSame ? names.Describe(alias).Provenance : null;
        var origin = AdapterOrigin.Of(info, options.Provenance ?? before);
        var file = new VersionFile { Version = info.Version, Name = name, Known = version, Origin = origin, Generation = names.Generation + 1, Files = files };
        file.Write(upload.Folder);
        store.Put(info.Version, upload.Folder);
        try
        {
            var added = names.Commit(isSame ? alias.WithOrigin(origin) : alias.MoveTo(info.Version, now, origin), version);
            LogAdded(logger, name, info.Version, info.Rank, info.Parameters);
            return added;
        }
        // What the registry has taken in needs its files.
        catch when (known is null && !names.Catalog.Versions.ContainsKey(info.Version))
        {
            store.Delete(info.Version);
            throw;
        }
    }

    [LoggerMessage(LogLevel.Information, "Added adapter {Name}: version {Version}, rank {Rank}, {Parameters} parameters")]
    private static partial void LogAdded(ILogger logger, string name, string version, int rank, long parameters);
}
