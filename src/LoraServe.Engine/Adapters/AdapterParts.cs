using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>The parts of an <see cref="AdapterManager"/>: the data folder, its names, and the services that use them.</summary>
internal sealed class AdapterParts : IDisposable
{
    private readonly AdapterStore _store;
    private readonly AdapterRegistry _registry;
    private readonly AdapterUses _uses;

    /// <param name="model">The base.</param>
    /// <param name="options">Folders and limits.</param>
    /// <param name="time">Dates uploads and uses.</param>
    /// <param name="random">Chooses versions by their split.</param>
    /// <param name="logger">Shared by all parts.</param>
    /// <exception cref="IOException">The data folder cannot be used, or another process uses it.</exception>
    /// <exception cref="InvalidAdapterException">Adapters of the folder given at start are refused: all faults of all of them.</exception>
    public AdapterParts(AdapterBase model, AdapterOptions options, TimeProvider time, Random random, ILogger logger)
    {
        Labels = new AdapterLabels(options.MaxLabels);
        Metrics = new AdapterMetrics(Labels);
        (_store, _registry) = OpenData(options, time, logger);
        _uses = new AdapterUses(_registry, time, logger);
        Cache = new AdapterCache(new AdapterCacheLimits { Bytes = options.CacheBytes, Patience = options.CachePatience }, time, Metrics);
        Names = new AdapterNames(_store, _registry, Cache, _uses, logger);
        var admission = new AdapterAdmission(model.Modules, model.Tensor, options.MaxRank, model.Dtype, model.Fingerprint);
        var loader = new AdapterLoader(admission, _store, model);
        var checks = new VersionChecks(admission, _store, Names, time);
        Changes = new NameChanges(Names, admission, _uses, time, logger);
        Intake = new AdapterIntake(admission, _store, Names, options.Limits, time, logger);
        Residents = new AdapterResidents(Names, checks, loader, Cache, Metrics, logger);
        Acquisition = new AdapterAcquisition(Names, checks, Residents, _uses, random);
        Exports = new AdapterExports(Names, _store, admission, new MixExports(Intake, checks, Residents, _store, admission.BaseName));
        Content = new VersionContent(Names, loader, new EffectAnalysis(model.Tensor), Intake);
        try
        {
            Names.Open(new AdapterStartup(admission, _store, _registry, logger).Read(options.AdaptersFolder));
        }
        catch
        {
            Dispose();
            throw;
        }

        Residents.Prefetch(Names.Catalog.Aliases.Values.Where(alias => alias.Pinned).Select(alias => alias.Name));
    }

    public AdapterLabels Labels { get; }

    public AdapterMetrics Metrics { get; }

    public AdapterCache Cache { get; }

    public AdapterNames Names { get; }

    public NameChanges Changes { get; }

    public AdapterIntake Intake { get; }

    public AdapterResidents Residents { get; }

    public AdapterAcquisition Acquisition { get; }

    public AdapterExports Exports { get; }

    public VersionContent Content { get; }

    /// <summary>Frees the adapters in memory and the data folder; no lease may be left.</summary>
    public void Dispose()
    {
        Cache.Dispose();
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
