using LoraServe.Engine.Adapters;
using Microsoft.Extensions.Caching.Memory;

namespace LoraServe.Engine.Generation;

/// <summary>
/// What adapters do to the base: computed when somebody asks, and kept by version, because it takes the engine's time and cannot change.
/// </summary>
internal sealed class EffectReports(AdapterManager adapters, EffectProbe probe) : IDisposable
{
    private const int MaxReports = 256;

    private readonly MemoryCache _reports = new(new MemoryCacheOptions { SizeLimit = MaxReports });

    /// <summary>The whole report, the mean KL divergence included.</summary>
    public async Task<AdapterEffect> OfAsync(AdapterReference reference, CancellationToken cancellationToken)
    {
        var exact = adapters.Exactly(reference);
        using var lease = await adapters.AcquireAsync(exact, cancellationToken);
        if (_reports.TryGetValue<AdapterEffect>(lease.Version, out var known)) return known!;
        var weights = await adapters.AnalyzeAsync(exact, cancellationToken);
        var report = weights with { MeanKl = await probe.MeasureAsync(lease, cancellationToken) };
        return _reports.Set(lease.Version, report, new MemoryCacheEntryOptions { Size = 1 });
    }

    /// <summary>Forgets the reports.</summary>
    public void Dispose() => _reports.Dispose();
}
