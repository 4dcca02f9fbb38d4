using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Storage;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// Names, versions and residency of adapters. A name is an alias of an immutable version and can be moved; running requests keep theirs.
/// Names come from uploads, kept in the data folder, or from a folder given at start, whose content only the operator can change.
/// Safe for concurrent use: readers see one snapshot after the other, each whole.
/// </summary>
public sealed partial class AdapterManager : IDisposable
{
    // Each check reads all of an upload.
    private const int ConcurrentChecks = 2;

    private readonly AdapterAdmission _admission;
    private readonly EffectAnalysis _analysis;
    private readonly string _rules;
    private readonly AdapterLimits _limits;
    private readonly long _cacheBytes;
    private readonly AdapterStore _store;
    private readonly AdapterRegistry _registry;
    private readonly AdapterCache _cache;
    private readonly AdapterLoader _loader;
    private readonly AdapterUses _uses;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _checks = new(ConcurrentChecks);

    // Held while the registry and the snapshot change together.
    private readonly Lock _writing = new();
    private AdapterCatalog _catalog = AdapterCatalog.Empty;

    private AdapterManager(
        AdapterAdmission admission,
        string fingerprint,
        AdapterLoader loader,
        EffectAnalysis analysis,
        AdapterOptions options,
        TimeProvider time,
        Random random,
        ILogger<AdapterManager> logger)
    {
        (_admission, _loader, _analysis) = (admission, loader, analysis);
        (_time, _random, _logger) = (time, random, logger);
        _rules = admission.Rules(fingerprint);
        _limits = options.Limits;
        _cacheBytes = options.CacheBytes;
        _cache = new AdapterCache(new AdapterCacheLimits { Bytes = options.CacheBytes, Patience = options.CachePatience }, time);
        var trash = new Trash(options.DataFolder, time, logger);
        _store = AdapterStore.Open(options.DataFolder, trash, logger);
        try
        {
            _registry = options.RebuildRegistry
                ? new RegistryRebuild(_store, trash, logger).Run()
                : AdapterRegistry.Open(_store.RegistryPath, trash, logger);
            trash.Empty(options.TrashAge);
        }
        catch
        {
            _store.Dispose();
            throw;
        }

        _uses = new AdapterUses(time, WriteUses);
        Labels = new AdapterLabels(options.MaxLabels);
    }

    /// <summary>Opens the store and reads the names of both folders.</summary>
    /// <param name="modules">The base.</param>
    /// <param name="fingerprint">Of the base's weights as its checkpoint stores them.</param>
    /// <param name="compute">The compute dtype, and where adapters are loaded to.</param>
    /// <param name="baseTensor">The base's own tensors by their names; they are only read.</param>
    /// <param name="options">Folders and limits.</param>
    /// <param name="time">Dates uploads and uses.</param>
    /// <param name="random">Chooses versions by their split.</param>
    /// <param name="logger">For its own log lines.</param>
    /// <exception cref="IOException">The data folder cannot be used, or another process uses it.</exception>
    /// <exception cref="InvalidAdapterException">Adapters of the folder given at start are refused: all faults of all of them.</exception>
    internal static AdapterManager Open(
        ModelModules modules,
        string fingerprint,
        (ScalarType Dtype, Device Device) compute,
        Func<string, Tensor> baseTensor,
        AdapterOptions options,
        TimeProvider time,
        Random random,
        ILogger<AdapterManager> logger)
    {
        var admission = new AdapterAdmission(modules, baseTensor, options.MaxRank, compute.Dtype);
        var loader = new AdapterLoader(admission, compute.Dtype, compute.Device, baseTensor, options.BaseTemplates);
        var manager = new AdapterManager(admission, fingerprint, loader, new EffectAnalysis(baseTensor), options, time, random, logger);
        try
        {
            var startup = new AdapterStartup(admission, manager._rules, manager._store, manager._registry, logger);
            manager.Replace(startup.Read(options.AdaptersFolder));
            manager.Prefetch(manager._catalog.Aliases.Values.Where(alias => alias.Pinned).Select(alias => alias.Name));
            return manager;
        }
        catch
        {
            manager.Dispose();
            throw;
        }
    }

    /// <summary>Names of adapters as labels of metrics.</summary>
    public AdapterLabels Labels { get; }

    /// <summary>The adapters in memory, in numbers.</summary>
    public AdapterCacheStatus CacheStatus => _cache.Status;

    /// <summary>Whether requests wait for memory that adapters hold.</summary>
    internal bool IsMemoryWanted => _cache.HasWaiters;

    /// <summary>Told of the name under which an adapter was asked for, and whether it was resident or being loaded by others.</summary>
    internal Action<string, bool>? Found { get; set; }

    /// <summary>Told of the name for which an adapter was loaded into memory.</summary>
    internal Action<string>? Loaded { get; set; }

    /// <summary>Told of the name of each adapter that made room for others in memory; must return at once.</summary>
    internal Action<string>? Evicted
    {
        get => _cache.Evicted;
        set => _cache.Evicted = value;
    }

    /// <summary>
    /// The names under which adapters were asked for that are in memory, as far as they still mean what is there, and that are being loaded or
    /// wait for memory; each once, the most recently used first.
    /// </summary>
    internal (IReadOnlyList<string> Loaded, IReadOnlyList<string> Loading) ResidentNames()
    {
        var catalog = Catalog;
        var (loaded, loading) = _cache.Names;
        return ([.. loaded.Where(IsServed).Select(resident => resident.Name).Distinct()], [.. loading.Distinct()]);

        bool IsServed((string Name, string Version) resident) => catalog.Find(resident.Name) is { } alias
            && (alias.IsMix
                ? AdapterDescription.TryResolve(catalog, alias, out _)?.Version == resident.Version
                : alias.Current == resident.Version || alias.Split.ContainsKey(resident.Version));
    }

    /// <summary>The first name that points or pointed at a version; null where none does, as with a mix.</summary>
    internal string? NameOf(string version)
    {
        var catalog = Catalog;
        return catalog.Versions.ContainsKey(version)
            ? catalog.Aliases.Values.FirstOrDefault(alias => alias.History.Any(entry => entry.Version == version))?.Name
            : null;
    }

    /// <summary>All adapters and saved mixes, sorted by name.</summary>
    public IReadOnlyList<AdapterInfo> List()
    {
        var catalog = Catalog;
        var description = Description(catalog);
        return [.. catalog.Aliases.Values.Select(description.Of)];
    }

    /// <summary>The adapter or saved mix of this name, or null.</summary>
    public AdapterInfo? Find(string name)
    {
        var catalog = Catalog;
        return catalog.Find(name) is { } alias ? Description(catalog).Of(alias) : null;
    }

    /// <summary>The versions that a name points at or pointed at, the newest first; none for a mix.</summary>
    /// <exception cref="UnknownAdapterException">No adapter has this name.</exception>
    public IReadOnlyList<AdapterVersion> Versions(string name)
    {
        var catalog = Catalog;
        var alias = catalog.Find(name) ?? throw new UnknownAdapterException(name);
        var description = Description(catalog);
        return [.. alias.History.Select(entry => description.Of(alias, entry))];
    }

    /// <summary>Frees the adapters in memory; no lease may be left.</summary>
    public void Dispose()
    {
        _cache.Dispose();
        _uses.Dispose();
        _registry.Dispose();
        _store.Dispose();
    }

    private AdapterCatalog Catalog => Volatile.Read(ref _catalog);

    private AdapterDescription Description(AdapterCatalog catalog) => new(catalog, _cache.ResidencyOf, _uses.LastUse);

    private string FolderOf(AdapterAlias alias, string version) => alias.Folder ?? _store.FolderOf(version);

    private void WriteUses(IReadOnlyDictionary<string, DateTimeOffset> uses)
    {
        try
        {
            _registry.SaveUses(uses);
        }
        catch (IOException e)
        {
            LogNotWritten(_logger, e.Message);
        }
    }

    // Pins follow names wherever they are moved.
    private void Replace(AdapterCatalog catalog)
    {
        Volatile.Write(ref _catalog, catalog);
        _cache.Pin(Pins(catalog));
    }

    private static Dictionary<string, long> Pins(AdapterCatalog catalog)
    {
        var pins = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var alias in catalog.Aliases.Values.Where(alias => alias.Pinned))
        {
            foreach (var entry in alias.History.Where(entry => entry.Version == alias.Current || entry.Share > 0))
                pins[entry.Version] = catalog.Versions[entry.Version].Description.LoadedBytes;
            if (alias.IsMix && AdapterDescription.TryResolve(catalog, alias, out _) is { } mix) pins[mix.Version] = mix.BytesToLoad;
        }

        return pins;
    }

    [LoggerMessage(LogLevel.Warning, "The times of last use are not stored: {Reason}")]
    private static partial void LogNotWritten(ILogger logger, string reason);
}
