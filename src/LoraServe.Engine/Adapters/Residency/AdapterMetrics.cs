using System.Diagnostics.Metrics;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>Counts hits, loads and evictions of adapters by the labels of their names. Safe for concurrent use.</summary>
/// <param name="labels">Of names.</param>
internal sealed class AdapterMetrics(AdapterLabels labels)
{
    private const string Adapter = "adapter";

    private Counter<long>? _hits, _misses, _loads, _evictions;

    /// <summary>Publishes counts from now on as instruments of a meter.</summary>
    public void Publish(Meter meter)
    {
        _hits = Create("loraserve.adapter.cache.hits", "Requests that found their adapter in memory.");
        _misses = Create("loraserve.adapter.cache.misses", "Requests for which their adapter was loaded.");
        _loads = Create("loraserve.adapter.loads", "Loads of an adapter into memory.");
        _evictions = Create("loraserve.adapter.evictions", "Adapters that made room for others in memory.");

        // Created at zero, since the first increase of a new series would not show in rates.
        Counter<long> Create(string name, string description)
        {
            var counter = meter.CreateCounter<long>(name, null, description);
            counter.Add(0, Label(AdapterLabels.Other));
            counter.Add(0, Label(AdapterLabels.Mix));
            return counter;
        }
    }

    /// <summary>A request has its adapter, which was in memory or being loaded for others.</summary>
    public void Hit(string name) => Count(_hits, name);

    /// <summary>A request has its adapter, which was loaded for it.</summary>
    public void Missed(string name) => Count(_misses, name);

    /// <summary>An adapter was read into memory.</summary>
    public void Loaded(string name) => Count(_loads, name);

    /// <summary>An adapter made room for others.</summary>
    public void Evicted(string name) => Count(_evictions, name);

    private void Count(Counter<long>? counter, string name) => counter?.Add(1, Label(labels.Of(name)));

    private static KeyValuePair<string, object?> Label(string label) => new(Adapter, label);
}
