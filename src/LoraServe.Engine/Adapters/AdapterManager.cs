using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// Names, versions and residency of adapters. A name is an alias of an immutable version and can be moved; running requests keep theirs.
/// Names come from uploads, kept in the data folder, or from a folder given at start, whose content only the operator can change.
/// Safe for concurrent use: readers see consistent snapshots.
/// </summary>
public sealed class AdapterManager : IDisposable
{
    private readonly AdapterParts _parts;

    private AdapterManager(AdapterParts parts) => _parts = parts;

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
        new(new AdapterParts(model, options, time, random, logger));

    /// <summary>Names of adapters as labels of metrics.</summary>
    public AdapterLabels Labels => _parts.Labels;

    /// <summary>The adapters in memory, in numbers.</summary>
    public AdapterCacheStatus CacheStatus => _parts.Cache.Status;

    /// <summary>Counts of adapters in memory, to be published.</summary>
    internal AdapterMetrics Metrics => _parts.Metrics;

    /// <summary>The adapters in memory.</summary>
    internal AdapterCache Cache => _parts.Cache;

    /// <inheritdoc cref="AdapterResidents.Names"/>
    internal (IReadOnlyList<string> Loaded, IReadOnlyList<string> Loading) ResidentNames() => _parts.Residents.Names();

    /// <inheritdoc cref="AdapterCatalog.NameOf"/>
    internal string? NameOf(AdapterVersionId version) => _parts.Names.Catalog.NameOf(version);

    /// <inheritdoc cref="AdapterDescription.All"/>
    public IReadOnlyList<AdapterInfo> List() => _parts.Names.Describe(_parts.Names.Catalog).All();

    /// <inheritdoc cref="AdapterDescription.Find"/>
    public AdapterInfo? Find(string name) => _parts.Names.Describe(_parts.Names.Catalog).Find(name);

    /// <inheritdoc cref="AdapterDescription.Versions"/>
    public IReadOnlyList<AdapterVersion> Versions(string name) => _parts.Names.Describe(_parts.Names.Catalog).Versions(name);

    /// <summary>The version of an adapter or a mix; where a name is split, the one that it points at.</summary>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference cannot be a mix, or a version is ambiguous.</exception>
    public AdapterVersionId VersionOf(AdapterReference reference) => _parts.Names.Catalog.Resolve(reference, static () => 1).Version;

    /// <summary>All names on the way from a reference to its versions, including the parts of saved mixes.</summary>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference cannot be a mix, or a version is ambiguous.</exception>
    public IReadOnlyCollection<string> NamesBehind(AdapterReference reference) => _parts.Names.Catalog.Resolve(reference, static () => 1).Names;

    /// <inheritdoc cref="AdapterResidents.WhyNeverTogether"/>
    public string? WhyNeverTogether(IEnumerable<AdapterReference> references) => _parts.Residents.WhyNeverTogether(references);

    /// <inheritdoc cref="AdapterAcquisition.AcquireAsync(AdapterReference, CancellationToken)"/>
    public ValueTask<AdapterLease> AcquireAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        _parts.Acquisition.AcquireAsync(reference, cancellationToken);

    /// <inheritdoc cref="AdapterAcquisition.AcquireAsync(AdapterReference, CancellationToken)"/>
    public ValueTask<AdapterLease> AcquireAsync(string reference, CancellationToken cancellationToken) =>
        _parts.Acquisition.AcquireAsync(AdapterReference.Parse(reference), cancellationToken);

    /// <inheritdoc cref="AdapterAcquisition.AcquireCurrentAsync"/>
    public ValueTask<AdapterLease> AcquireCurrentAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        _parts.Acquisition.AcquireCurrentAsync(reference, cancellationToken);

    /// <inheritdoc cref="AdapterIntake.Begin"/>
    public AdapterUpload BeginUpload() => _parts.Intake.Begin();

    /// <inheritdoc cref="AdapterIntake.CheckAsync"/>
    public Task<CheckedUpload> CheckAsync(string name, AdapterUpload upload, AddOptions options, CancellationToken cancellationToken) =>
        _parts.Intake.CheckAsync(name, upload, options, cancellationToken);

    /// <inheritdoc cref="AdapterIntake.StoreAsync"/>
    public Task<AdapterInfo> StoreAsync(CheckedUpload adapter, CancellationToken cancellationToken) => _parts.Intake.StoreAsync(adapter, cancellationToken);

    /// <inheritdoc cref="AdapterIntake.AddAsync"/>
    public Task<AdapterInfo> AddAsync(string name, AdapterUpload upload, AddOptions options, CancellationToken cancellationToken) =>
        _parts.Intake.AddAsync(name, upload, options, cancellationToken);

    /// <inheritdoc cref="NameChanges.Rollback"/>
    public AdapterInfo Rollback(string name, string? toVersionPrefix) => _parts.Changes.Rollback(name, toVersionPrefix);

    /// <inheritdoc cref="NameChanges.Update"/>
    public AdapterInfo Update(string name, AdapterPatch patch)
    {
        var info = _parts.Changes.Update(name, patch);
        if (info.Pinned) _parts.Residents.Prefetch([name]);
        return info;
    }

    /// <inheritdoc cref="NameChanges.SaveMix"/>
    public AdapterInfo SaveMix(string name, IReadOnlyList<AdapterPart> parts) => _parts.Changes.SaveMix(name, parts);

    /// <inheritdoc cref="NameChanges.Remove"/>
    public bool Remove(string name, bool force) => _parts.Changes.Remove(name, force);

    /// <inheritdoc cref="AdapterExports.ExportAsync"/>
    public Task<AdapterExport> ExportAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        _parts.Exports.ExportAsync(reference, cancellationToken);

    /// <inheritdoc cref="VersionContent.Exactly"/>
    internal AdapterReference Exactly(AdapterReference reference) => _parts.Content.Exactly(reference);

    /// <inheritdoc cref="VersionContent.AnalyzeAsync(AdapterReference, CancellationToken)"/>
    public Task<AdapterEffect> AnalyzeAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        _parts.Content.AnalyzeAsync(reference, cancellationToken);

    /// <inheritdoc cref="VersionContent.AnalyzeAsync(CheckedUpload, CancellationToken)"/>
    public Task<AdapterEffect> AnalyzeAsync(CheckedUpload adapter, CancellationToken cancellationToken) =>
        _parts.Content.AnalyzeAsync(adapter, cancellationToken);

    /// <inheritdoc cref="VersionContent.TruncateAsync(AdapterReference, int, string, CancellationToken)"/>
    public Task<TruncatedUpload> TruncateAsync(AdapterReference reference, int rank, string name, CancellationToken cancellationToken) =>
        _parts.Content.TruncateAsync(reference, rank, name, cancellationToken);

    /// <inheritdoc cref="VersionContent.MostTruncatedBytes"/>
    public long MostTruncatedBytes(AdapterReference reference) => _parts.Content.MostTruncatedBytes(reference);

    /// <summary>Frees the adapters in memory; no lease may be left.</summary>
    public void Dispose() => _parts.Dispose();
}
