using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using Microsoft.Extensions.Caching.Memory;

namespace LoraServe.Engine.Generation;

/// <summary>
/// Effects of adapters on the base: computed on demand, once for all callers at the same time, and kept by version, because they take the
/// engine's time and cannot change.
/// </summary>
internal sealed class EffectReports(AdapterManager adapters, EffectProbe probe) : IDisposable
{
    // A bound on memory: a report has a line for each module.
    private const int MaxReports = 256;

    // Each holds an adapter in memory and takes a core, and the engine's thread measures one at a time. Not measured.
    private const int ConcurrentReports = 2;

    private readonly MemoryCache _reports = new(new MemoryCacheOptions { SizeLimit = MaxReports });
    private readonly SingleFlight<AdapterEffect> _flights = new();
    private readonly SemaphoreSlim _running = new(ConcurrentReports);

    /// <summary>The whole report, the mean KL divergence included.</summary>
    /// <param name="reference">One adapter.</param>
    /// <param name="weights">Its effect in its weights, where that is known already.</param>
    /// <param name="cancellationToken">Stops waiting, and with the last caller the computation.</param>
    /// <exception cref="NotFiniteNumberException">The adapter makes the logits overflow.</exception>
    public async Task<AdapterEffect> OfAsync(AdapterReference reference, AdapterEffect? weights, CancellationToken cancellationToken)
    {
        var exact = adapters.Exactly(reference);
        while (true)
        {
            var version = adapters.VersionOf(exact);
            if (_reports.TryGetValue<AdapterEffect>(version, out var known)) return known!;
            try
            {
                return await _flights.RunAsync(version.Value, stop => ComputeAsync(exact, weights, stop), cancellationToken);
            }
            catch (UnknownAdapterException)
            {
                // The computation was started by a caller whose name has gone. The next round tells whether this one has gone, too.
            }
            catch (NotFiniteNumberException e)
            {
                throw new NotFiniteNumberException($"The adapter '{reference}' cannot be measured: {e.Message}", e.OffendingNumber, e);
            }
        }
    }

    /// <summary>Forgets the reports.</summary>
    public void Dispose() => _reports.Dispose();

    private async Task<AdapterEffect> ComputeAsync(AdapterReference exact, AdapterEffect? weights, CancellationToken cancellationToken)
    {
        await _running.WaitAsync(cancellationToken);
        try
        {
            using var lease = await adapters.AcquireAsync(exact, cancellationToken);
            if (_reports.TryGetValue<AdapterEffect>(lease.Version, out var known)) return known!;
            weights ??= await adapters.AnalyzeAsync(exact, cancellationToken);
            var report = weights with { MeanKl = await probe.MeasureAsync(lease, cancellationToken) };
            return _reports.Set(lease.Version, report, new MemoryCacheEntryOptions { Size = 1 });
        }
        finally
        {
            _running.Release();
        }
    }
}
