using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace LoraServe.Metrics;

/// <summary>One instrument and its series, one for each combination of its tags. Safe for concurrent use.</summary>
internal abstract class MetricFamily
{
    private readonly string _help;
    private readonly string _meterLabels;
    private readonly ConcurrentDictionary<(string Name, string Value), string> _known = new();

    protected MetricFamily(Instrument instrument, string type)
    {
        Type = type;
        Name = PrometheusName.Of(instrument);
        _help = instrument.Description ?? "";
        _meterLabels = Name == PrometheusName.LoraRequestsInfo
            ? ""
            : PrometheusLabels.Join(PrometheusName.IsVllm(Name) ? "engine=\"0\"" : "", PrometheusLabels.Of([.. instrument.Meter.Tags ?? []]));
    }

    /// <summary>The name in Prometheus.</summary>
    public string Name { get; }

    /// <summary>counter, gauge or histogram.</summary>
    public string Type { get; }

    public static MetricFamily Of(Instrument instrument)
    {
        var kind = instrument.GetType().GetGenericTypeDefinition();
        if (kind == typeof(Histogram<>)) return new HistogramFamily(instrument);
        return kind == typeof(Counter<>) || kind == typeof(UpDownCounter<>)
            ? new ValueFamily(instrument, kind == typeof(Counter<>) ? "counter" : "gauge", isSum: true)
            : new ValueFamily(instrument, kind == typeof(ObservableCounter<>) ? "counter" : "gauge", isSum: false);
    }

    /// <summary>Records a measurement.</summary>
    public abstract void Add(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags);

    /// <summary>Clears the values of observable instruments before they are read again.</summary>
    public virtual void BeginRead()
    {
    }

    /// <summary>Writes the series under every name of this family.</summary>
    public void WriteTo(PrometheusWriter writer)
    {
        foreach (var name in PrometheusName.Aliases(Name).Prepend(Name))
        {
            writer.Family(name, Type, _help);
            WriteSeries(writer, name);
        }
    }

    protected abstract void WriteSeries(PrometheusWriter writer, string name);

    /// <summary>The labels of a series: those of its meter and its own.</summary>
    protected string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty) return _meterLabels;
        // The engine records in every step, always with one of a few adapters.
        if (tags is not [{ Value: string value } tag]) return PrometheusLabels.Join(_meterLabels, PrometheusLabels.Of(tags));
        if (_known.TryGetValue((tag.Key, value), out var labels)) return labels;
        return _known[(tag.Key, value)] = PrometheusLabels.Join(_meterLabels, PrometheusLabels.Of(tags));
    }
}
