namespace LoraServe.Benchmarks;

/// <summary>Samples of one quantity. Other processes disturb some of them: read the median, not the mean.</summary>
internal sealed class Distribution(IEnumerable<double> samples)
{
    private readonly double[] _sorted = [.. samples.Order()];

    public int Count => _sorted.Length;

    /// <summary>The smallest sample that at least this fraction of all samples does not exceed (nearest rank); NaN without samples.</summary>
    /// <param name="part">Above 0, at most 1; 0.5 is the median.</param>
    public double Quantile(double part) => Count == 0 ? double.NaN : _sorted[(int)Math.Ceiling(part * Count) - 1];
}
