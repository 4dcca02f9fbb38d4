namespace LoraServe.Engine.Training.Ranks;

/// <summary>The mean of a figure over seeds, and how sure it is.</summary>
/// <param name="Mean">Arithmetic.</param>
/// <param name="StandardError">Of the mean: the standard deviation of the sample / sqrt(n); 0 for one seed.</param>
public sealed record Spread(double Mean, double StandardError)
{
    /// <param name="values">At least one.</param>
    public static Spread Of(IReadOnlyCollection<double> values)
    {
        var mean = values.Average();
        var variance = values.Count < 2 ? 0 : values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1);
        return new Spread(mean, Math.Sqrt(variance / values.Count));
    }
}
