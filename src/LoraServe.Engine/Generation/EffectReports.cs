using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using Microsoft.Extensions.Caching.Memory;

namespace LoraServe.Engine.Generation;

/// <summary>
/// What adapters do to the base: computed when somebody asks, once for all who ask meanwhile, and kept by version, because it takes the
/// engine's time and cannot change.
/// </summary>
internal sealed class EffectReports(AdapterManager adapters, EffectProbe probe) : IDisposable
{
    private const int MaxReports = 256;

    // Each holds an adapter in memory and takes a core; more of them at a time would not be ready earlier.
    private const int ConcurrentReports = 2;

    private readonly MemoryCache _reports = new(new MemoryCacheOptions { SizeLimit = MaxReports });
    private readonly SingleFlight<AdapterEffect> _flights = new();
    private readonly SemaphoreSlim _running = new(ConcurrentReports);

    /// <summary>The whole report, the mean KL divergence included.</summary>
    /// <param name="reference">One adapter.</param>
    /// <param name="weights">What it does in its weights, where that is known already.</param>
    /// <param name="cancellationToken">Stops waiting, and with the last who waits the computation.</param>
    public async Task<AdapterEffect> OfAsync(AdapterReference reference, AdapterEffect? weights, CancellationToken cancellationToken)
    {
        var exact = adapters.Exactly(reference);
        while (true)
        {
            var version = adapters.VersionOf(exact);
            if (_reports.TryGetValue<AdapterEffect>(version, out var known)) return known!;
            try
            {
                return await _flights.RunAsync(version, stop => ComputeAsync(exact, weights, stop), cancellationToken);
            }
            catch (UnknownAdapterException)
            {
                // Somebody else had asked for it by a name that has gone. Whether this one has, too, the next round tells.
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
