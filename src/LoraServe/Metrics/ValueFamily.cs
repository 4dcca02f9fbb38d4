using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace LoraServe.Metrics;

/// <summary>Series with one number each.</summary>
internal sealed class ValueFamily : MetricFamily
{
    private readonly bool _isSum;
    private readonly ConcurrentDictionary<string, double> _series = new(StringComparer.Ordinal);

    /// <param name="instrument">The instrument.</param>
    /// <param name="type">counter or gauge.</param>
    /// <param name="isSum">Whether measurements add up; otherwise the latest one counts, until the next reading.</param>
    public ValueFamily(Instrument instrument, string type, bool isSum)
        : base(instrument, type)
    {
        _isSum = isSum;
        // vLLM's series exist before the first request.
        if (isSum && PrometheusName.IsVllm(Name) && Name != PrometheusName.RequestSuccess) Add(0, []);
    }

    public override void Add(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        if (_isSum) _series.AddOrUpdate(labels, static (_, more) => more, static (_, sum, more) => sum + more, value);
        else _series[labels] = value;
    }

    public override void BeginRead()
    {
        if (!_isSum) _series.Clear();
    }

    protected override void WriteSeries(PrometheusWriter writer, string name)
    {
        foreach (var (labels, value) in _series.OrderBy(series => series.Key, StringComparer.Ordinal)) writer.Sample(name, labels, value);
    }
}
