using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>The mean of a figure over seeds, and its standard error.</summary>
/// <param name="Mean">Arithmetic.</param>
/// <param name="StandardError">Of the mean; 0 if unknown.</param>
public sealed record Spread(double Mean, double StandardError)
{
    /// <summary>A figure whose uncertainty over test examples is unknown: the standard deviation over seeds / sqrt(n); 0 for one seed.</summary>
    /// <param name="values">At least one.</param>
    public static Spread Of(IReadOnlyCollection<double> values)
    {
        var mean = values.Average();
        var variance = values.Count < 2 ? 0 : values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1);
        return new Spread(mean, Math.Sqrt(variance / values.Count));
    }

    /// <summary>
    /// A share of test examples: the error over seeds, and the binomial error of the examples, which all seeds have in common and which more
    /// seeds therefore do not make smaller.
    /// </summary>
    /// <param name="shares">At least one.</param>
    /// <param name="examples">The examples behind each share, at least 1.</param>
    public static Spread OfShares(IReadOnlyCollection<double> shares, int examples)
    {
        var (mean, seeds) = Of(shares);
        return new Spread(mean, double.Hypot(seeds, Binomial.StandardError(mean, examples)));
    }
}
