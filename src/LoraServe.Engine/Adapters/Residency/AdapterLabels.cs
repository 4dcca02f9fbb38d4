using System.Collections.Concurrent;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>
/// Names of adapters as labels of metrics. Each distinct label creates time series in the monitoring system for as long as the
/// process lives, so only the first adapters used get their own; all others share one. Labels that are not names have parentheses,
/// as no name can. Safe for concurrent use.
/// </summary>
/// <param name="most">Most adapters with a label of their own.</param>
public sealed class AdapterLabels(int most)
{
    /// <summary>The label of the base model.</summary>
    public const string Base = "(base)";

    /// <summary>The label of the adapters that came after the first ones.</summary>
    public const string Other = "(other)";

    /// <summary>The label of mixes spelled out in requests, whose number is unlimited.</summary>
    public const string Mix = "(mix)";

    private readonly ConcurrentDictionary<string, string> _labels = new(StringComparer.Ordinal);
    private readonly Lock _adding = new();
    private volatile bool _isFull;

    /// <summary>The label of the adapter that a lease holds.</summary>
    public string Of(AdapterLease lease) => lease.IsBase ? Base : Of(lease.Name);

    /// <summary>The label of the adapter, saved mix, or spelled out mix of this name.</summary>
    public string Of(string name)
    {
        if (_labels.TryGetValue(name, out var label)) return label;
        if (!AdapterName.IsValid(name)) return Mix;
        // Every step asks, and to count the labels takes all locks.
        if (_isFull) return Other;
        lock (_adding)
        {
            label = _labels.Count < most ? _labels.GetOrAdd(name, name) : Other;
            _isFull = _labels.Count >= most;
        }

        return label;
    }
}
