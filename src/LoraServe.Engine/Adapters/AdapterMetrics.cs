using System.Diagnostics.Metrics;

namespace LoraServe.Engine.Adapters;

/// <summary>What becomes of adapters in memory, by name, as instruments.</summary>
internal static class AdapterMetrics
{
    private const string Adapter = "adapter";

    /// <summary>Publishes what happens from now on.</summary>
    public static void Create(Meter meter, AdapterManager adapters)
    {
        var hits = meter.CreateCounter<long>("loraserve.adapter.cache.hits", null, "Requests that found their adapter in memory.");
        var misses = meter.CreateCounter<long>("loraserve.adapter.cache.misses", null, "Requests for which their adapter was loaded.");
        var loads = meter.CreateCounter<long>("loraserve.adapter.loads", null, "Loads of an adapter into memory.");
        var evictions = meter.CreateCounter<long>("loraserve.adapter.evictions", null, "Adapters that made room for others in memory.");
        adapters.Found = (name, isHit) => (isHit ? hits : misses).Add(1, Label(adapters.Labels.Of(name)));
        adapters.Loaded = name => loads.Add(1, Label(adapters.Labels.Of(name)));
        adapters.Evicted = name => evictions.Add(1, Label(adapters.Labels.Of(name)));
        // Rates are of series that exist: what happens first would not be seen.
        foreach (var counter in new[] { hits, misses, loads, evictions })
        {
            counter.Add(0, Label(AdapterLabels.Other));
            counter.Add(0, Label(AdapterLabels.Mix));
        }
    }

    private static KeyValuePair<string, object?> Label(string label) => new(Adapter, label);
}
