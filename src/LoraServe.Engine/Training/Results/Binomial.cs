namespace LoraServe.Engine.Training.Results;

/// <summary>The uncertainty of a share counted on a sample.</summary>
internal static class Binomial
{
    /// <summary>
    /// The standard error of a share, with one success and one failure added (Agresti and Caffo 2000), so that 0 % or 100 % of a few examples
    /// is not taken for certain.
    /// </summary>
    /// <param name="share">From 0 to 1.</param>
    /// <param name="count">Examples, at least 1.</param>
    public static double StandardError(double share, int count)
    {
        var adjusted = ((share * count) + 1) / (count + 2);
        return Math.Sqrt(adjusted * (1 - adjusted) / (count + 2));
    }
}
