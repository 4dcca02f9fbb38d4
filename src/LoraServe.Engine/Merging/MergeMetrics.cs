using System.Diagnostics.Metrics;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Residency;

namespace LoraServe.Engine.Merging;

/// <summary>Counts merges and the time they take, by the labels of their adapters' names. Belongs to the engine's thread, but for <see cref="Publish"/>.</summary>
internal sealed class MergeMetrics
{
    private volatile Instruments? _instruments;

    /// <summary>Publishes what happens from now on as instruments of a meter.</summary>
    /// <param name="meter">Outlives this.</param>
    /// <param name="adapters">Knows the names of versions.</param>
    public void Publish(Meter meter, AdapterManager adapters) => _instruments = new Instruments(meter, adapters);

    /// <summary>A version was merged.</summary>
    /// <param name="version">The version.</param>
    /// <param name="spent">Time of the engine's thread.</param>
    public void Merged(AdapterVersionId version, TimeSpan spent) => _instruments?.Merged(version, spent);

    /// <summary>The merged weights of a version were freed.</summary>
    public void Unmerged(AdapterVersionId version) => _instruments?.Unmerged(version);

    private sealed class Instruments(Meter meter, AdapterManager adapters)
    {
        private readonly Counter<long> _merges = meter.CreateCounter<long>(
            "loraserve.adapter.merges", null, "Merges of an adapter into weights beside the base.");

        private readonly Counter<long> _unmerges = meter.CreateCounter<long>(
            "loraserve.adapter.unmerges", null, "Merged weights of an adapter that were let go.");

        private readonly Counter<double> _seconds = meter.CreateCounter<double>(
            "loraserve.merge.time", "s", "Time that merges took of the engine's thread.");

        public void Merged(AdapterVersionId version, TimeSpan spent)
        {
            _merges.Add(1, LabelOf(version));
            _seconds.Add(spent.TotalSeconds);
        }

        public void Unmerged(AdapterVersionId version) => _unmerges.Add(1, LabelOf(version));

        private KeyValuePair<string, object?> LabelOf(AdapterVersionId version) =>
            new("adapter", adapters.NameOf(version) is { } name ? adapters.Labels.Of(name) : AdapterLabels.Mix);
    }
}
