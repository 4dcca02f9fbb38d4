using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace LoraServe.Metrics;

/// <summary>
/// Aggregates the measurements of this server's meters for /metrics. The same instruments feed OpenTelemetry, which aggregates on its own.
/// Safe for concurrent use.
/// </summary>
internal sealed class MetricCollector : IDisposable
{
    /// <summary>The prefix of the server's meters; those of libraries are ignored.</summary>
    public const string MeterPrefix = "LoraServe";

    private readonly ConcurrentDictionary<Instrument, MetricFamily> _families = new();
    private readonly MeterListener _listener = new();
    private readonly Lock _reading = new();

    /// <param name="meters">Only meters of this factory count: a process may run several servers.</param>
    public MetricCollector(IMeterFactory meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope != meters || !instrument.Meter.Name.StartsWith(MeterPrefix, StringComparison.Ordinal)) return;
            listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument, MetricFamily.Of));
        };
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => ((MetricFamily)family!).Add(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => ((MetricFamily)family!).Add(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => ((MetricFamily)family!).Add(value, tags));
        _listener.Start();
    }

    /// <summary>Reads observable instruments, then writes every family, by name.</summary>
    public string Write()
    {
        lock (_reading)
        {
            foreach (var family in _families.Values) family.BeginRead();
            _listener.RecordObservableInstruments();
            var writer = new PrometheusWriter();
            foreach (var family in _families.Values.OrderBy(family => family.Name, StringComparer.Ordinal)) family.WriteTo(writer);
            return writer.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();
}
