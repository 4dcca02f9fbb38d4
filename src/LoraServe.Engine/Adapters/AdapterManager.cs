using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// Names, versions and residency of adapters. A name is an alias of an immutable version and can be moved; running requests keep theirs.
/// Names come from uploads, kept in the data folder, or from a folder given at start, whose content only the operator can change.
/// Safe for concurrent use: readers see one snapshot after the other, each whole.
/// </summary>
public sealed class AdapterManager : IDisposable
{
    private readonly AdapterStore _store;
    private readonly AdapterRegistry _registry;
    private readonly AdapterUses _uses;
    private readonly AdapterCache _cache;
    private readonly AdapterNames _names;
    private readonly NameChanges _changes;
    private readonly AdapterIntake _intake;
    private readonly AdapterResidents _residents;
    private readonly AdapterAcquisition _acquisition;
    private readonly AdapterExports _exports;
    private readonly VersionContent _content;

    private AdapterManager(AdapterBase model, AdapterOptions options, TimeProvider time, Random random, ILogger logger)
    {
        Labels = new AdapterLabels(options.MaxLabels);
        Metrics = new AdapterMetrics(Labels);
        (_store, _registry) = OpenData(options, time, logger);
        _uses = new AdapterUses(_registry, time, logger);
        _cache = new AdapterCache(new AdapterCacheLimits { Bytes = options.CacheBytes, Patience = options.CachePatience }, time, Metrics);
        _names = new AdapterNames(_store, _registry, _cache, _uses, logger);
        var admission = new AdapterAdmission(model.Modules, model.Tensor, options.MaxRank, model.Dtype, model.Fingerprint);
        var loader = new AdapterLoader(admission, _store, model);
        var checks = new VersionChecks(admission, _store, _names, time);
        _changes = new NameChanges(_names, admission, _uses, time, logger);
        _intake = new AdapterIntake(admission, _store, _names, options.Limits, time, logger);
        _residents = new AdapterResidents(_names, checks, loader, _cache, Metrics, logger);
        _acquisition = new AdapterAcquisition(_names, checks, _residents, _uses, random);
        _exports = new AdapterExports(_names, _store, admission, new MixExports(_intake, checks, _residents, _store, admission.BaseName));
        _content = new VersionContent(_names, loader, new EffectAnalysis(model.Tensor), _intake);
        try
        {
            _names.Open(new AdapterStartup(admission, _store, _registry, logger).Read(options.AdaptersFolder));
        }
        catch
        {
            Dispose();
            throw;
        }

        _residents.Prefetch(_names.Catalog.Aliases.Values.Where(alias => alias.Pinned).Select(alias => alias.Name));
    }

    /// <summary>Opens the store and reads the names of both folders.</summary>
    /// <param name="model">The base.</param>
    /// <param name="options">Folders and limits.</param>
    /// <param name="time">Dates uploads and uses.</param>
    /// <param name="random">Chooses versions by their split.</param>
    /// <param name="logger">For its own log lines.</param>
    /// <exception cref="IOException">The data folder cannot be used, or another process uses it.</exception>
    /// <exception cref="InvalidAdapterException">Adapters of the folder given at start are refused: all faults of all of them.</exception>
    internal static AdapterManager Open(
        AdapterBase model, AdapterOptions options, TimeProvider time, Random random, ILogger<AdapterManager> logger) =>
        new(model, options, time, random, logger);

    /// <summary>Names of adapters as labels of metrics.</summary>
    public AdapterLabels Labels { get; }

    /// <summary>The adapters in memory, in numbers.</summary>
    public AdapterCacheStatus CacheStatus => _cache.Status;

    /// <summary>What becomes of adapters in memory, to be published.</summary>
    internal AdapterMetrics Metrics { get; }

    /// <summary>Whether requests wait for memory that adapters hold.</summary>
    internal bool IsMemoryWanted => _cache.HasWaiters;

    /// <inheritdoc cref="AdapterResidents.Names"/>
    internal (IReadOnlyList<string> Loaded, IReadOnlyList<string> Loading) ResidentNames() => _residents.Names();

    /// <inheritdoc cref="AdapterCatalog.NameOf"/>
    internal string? NameOf(string version) => _names.Catalog.NameOf(version);

    /// <inheritdoc cref="AdapterDescription.All"/>
    public IReadOnlyList<AdapterInfo> List() => _names.Describe(_names.Catalog).All();

    /// <inheritdoc cref="AdapterDescription.Find"/>
    public AdapterInfo? Find(string name) => _names.Describe(_names.Catalog).Find(name);

    /// <inheritdoc cref="AdapterDescription.Versions"/>
    public IReadOnlyList<AdapterVersion> Versions(string name) => _names.Describe(_names.Catalog).Versions(name);

    /// <summary>The version of an adapter or a mix; where a name is split, the one that it points at.</summary>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference cannot be a mix, or a version is ambiguous.</exception>
    public string VersionOf(AdapterReference reference) => _names.Catalog.Resolve(reference, static () => 1).Version;

    /// <summary>All names on the way from a reference to its versions, those of the parts of saved mixes among them.</summary>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference cannot be a mix, or a version is ambiguous.</exception>
    public IReadOnlyCollection<string> NamesBehind(AdapterReference reference) => _names.Catalog.Resolve(reference, static () => 1).Names;

    /// <inheritdoc cref="AdapterResidents.WhyNeverTogether"/>
    public string? WhyNeverTogether(IEnumerable<AdapterReference> references) => _residents.WhyNeverTogether(references);

    /// <inheritdoc cref="AdapterAcquisition.AcquireAsync(AdapterReference, CancellationToken)"/>
    public ValueTask<AdapterLease> AcquireAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        _acquisition.AcquireAsync(reference, cancellationToken);

    /// <inheritdoc cref="AdapterAcquisition.AcquireAsync(AdapterReference, CancellationToken)"/>
    public ValueTask<AdapterLease> AcquireAsync(string reference, CancellationToken cancellationToken) =>
        _acquisition.AcquireAsync(AdapterReference.Parse(reference), cancellationToken);

    /// <inheritdoc cref="AdapterAcquisition.AcquireCurrentAsync"/>
    public ValueTask<AdapterLease> AcquireCurrentAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        _acquisition.AcquireCurrentAsync(reference, cancellationToken);

    /// <inheritdoc cref="AdapterIntake.Begin"/>
    public AdapterUpload BeginUpload() => _intake.Begin();

    /// <inheritdoc cref="AdapterIntake.CheckAsync"/>
    public Task<CheckedUpload> CheckAsync(string name, AdapterUpload upload, AddOptions options, CancellationToken cancellationToken) =>
        _intake.CheckAsync(name, upload, options, cancellationToken);

    /// <inheritdoc cref="AdapterIntake.StoreAsync"/>
    public Task<AdapterInfo> StoreAsync(CheckedUpload adapter, CancellationToken cancellationToken) => _intake.StoreAsync(adapter, cancellationToken);

    /// <inheritdoc cref="AdapterIntake.AddAsync"/>
    public Task<AdapterInfo> AddAsync(string name, AdapterUpload upload, AddOptions options, CancellationToken cancellationToken) =>
        _intake.AddAsync(name, upload, options, cancellationToken);

    /// <inheritdoc cref="NameChanges.Rollback"/>
    public AdapterInfo Rollback(string name, string? toVersionPrefix) => _changes.Rollback(name, toVersionPrefix);

    /// <inheritdoc cref="NameChanges.Update"/>
    public AdapterInfo Update(string name, AdapterPatch patch)
    {
        var info = _changes.Update(name, patch);
        if (info.Pinned) _residents.Prefetch([name]);
        return info;
    }

    /// <inheritdoc cref="NameChanges.SaveMix"/>
    public AdapterInfo SaveMix(string name, IReadOnlyList<AdapterPart> parts) => _changes.SaveMix(name, parts);

    /// <inheritdoc cref="NameChanges.Remove"/>
    public bool Remove(string name, bool force) => _changes.Remove(name, force);

    /// <inheritdoc cref="AdapterExports.ExportAsync"/>
    public Task<AdapterExport> ExportAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        _exports.ExportAsync(reference, cancellationToken);

    /// <inheritdoc cref="VersionContent.Exactly"/>
    internal AdapterReference Exactly(AdapterReference reference) => _content.Exactly(reference);

    /// <inheritdoc cref="VersionContent.AnalyzeAsync(AdapterReference, CancellationToken)"/>
    public Task<AdapterEffect> AnalyzeAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        _content.AnalyzeAsync(reference, cancellationToken);

    /// <inheritdoc cref="VersionContent.AnalyzeAsync(CheckedUpload, CancellationToken)"/>
    public Task<AdapterEffect> AnalyzeAsync(CheckedUpload adapter, CancellationToken cancellationToken) =>
        _content.AnalyzeAsync(adapter, cancellationToken);

    /// <inheritdoc cref="VersionContent.TruncateAsync(AdapterReference, int, string, CancellationToken)"/>
    public Task<TruncatedUpload> TruncateAsync(AdapterReference reference, int rank, string name, CancellationToken cancellationToken) =>
        _content.TruncateAsync(reference, rank, name, cancellationToken);

    /// <inheritdoc cref="VersionContent.MostTruncatedBytes"/>
    public long MostTruncatedBytes(AdapterReference reference) => _content.MostTruncatedBytes(reference);

    /// <summary>Frees the adapters in memory; no lease may be left.</summary>
    public void Dispose()
    {
        _cache.Dispose();
        _uses.Dispose();
        _registry.Dispose();
        _store.Dispose();
    }

    private static (AdapterStore Store, AdapterRegistry Registry) OpenData(AdapterOptions options, TimeProvider time, ILogger logger)
    {
        var trash = new Trash(options.DataFolder, time, logger);
        var store = AdapterStore.Open(options.DataFolder, trash, logger);
        try
        {
            var registry = options.RebuildRegistry
                ? new RegistryRebuild(store, trash, logger).Run()
                : AdapterRegistry.Open(store.RegistryPath, trash, logger);
            trash.Empty(options.TrashAge);
            return (store, registry);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }
}
