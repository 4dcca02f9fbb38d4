namespace LoraServe.Metrics;

/// <summary>Counts of measurements by bucket, and their sum. Safe for concurrent use.</summary>
/// <param name="boundaries">Ascending upper bounds, inclusive.</param>
internal sealed class HistogramSeries(double[] boundaries)
{
    private readonly long[] _counts = new long[boundaries.Length + 1];
    private readonly Lock _lock = new();
    private double _sum;

    /// <summary>Records a measurement.</summary>
    public void Add(double value)
    {
        var found = Array.BinarySearch(boundaries, value);
        lock (_lock)
        {
            _counts[found < 0 ? ~found : found]++;
            _sum += value;
        }
    }

    /// <summary>Writes cumulative buckets, sum and count as one consistent snapshot.</summary>
    public void WriteTo(PrometheusWriter writer, string name, string labels)
    {
        var counts = new long[_counts.Length];
        double sum;
        lock (_lock)
        {
            _counts.CopyTo(counts, 0);
            sum = _sum;
        }

        long count = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            count += counts[i];
            var limit = PrometheusWriter.Number(i < boundaries.Length ? boundaries[i] : double.PositiveInfinity);
            writer.Sample($"{name}_bucket", PrometheusLabels.Join(labels, $"le=\"{limit}\""), count);
        }

        writer.Sample($"{name}_sum", labels, sum);
        writer.Sample($"{name}_count", labels, count);
    }
}
