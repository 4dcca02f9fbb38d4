using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace LoraServe.Metrics;

/// <summary>Histogram series with the boundaries that the instrument advises.</summary>
internal sealed class HistogramFamily : MetricFamily
{
    private readonly double[] _boundaries;
    private readonly ConcurrentDictionary<string, HistogramSeries> _series = new(StringComparer.Ordinal);

    public HistogramFamily(Instrument instrument)
        : base(instrument, "histogram")
    {
        _boundaries = instrument switch
        {
            Histogram<int> { Advice.HistogramBucketBoundaries: { } boundaries } => [.. boundaries.Select(boundary => (double)boundary)],
            Histogram<double> { Advice.HistogramBucketBoundaries: { } boundaries } => [.. boundaries],
            _ => throw new NotSupportedException($"The instrument {instrument.Name} has no boundaries."),
        };
        // vLLM's histograms have no labels of their own, and exist before the first request.
        if (PrometheusName.IsVllm(Name)) Add([]);
    }

    public override void Add(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) => Add(tags).Add(value);

    protected override void WriteSeries(PrometheusWriter writer, string name)
    {
        foreach (var (labels, series) in _series.OrderBy(series => series.Key, StringComparer.Ordinal)) series.WriteTo(writer, name, labels);
    }

    private HistogramSeries Add(ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _series.GetOrAdd(Labels(tags), static (_, boundaries) => new HistogramSeries(boundaries), _boundaries);
}
