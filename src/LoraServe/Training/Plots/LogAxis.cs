using ScottPlot.TickGenerators;

namespace LoraServe.Training.Plots;

/// <summary>A logarithmic axis: places on it, and its ticks at 1, 2 and 5 times the powers of ten, or closer where it is short.</summary>
internal static class LogAxis
{
    private const int Decades = 12;
    private const double WideRange = 200;
    private const double NarrowRange = 5;
    private const int NarrowTicks = 4;

    private static readonly double[] Factors = [1, 2, 5, 10];

    /// <summary>Where a number above 0 is on the axis.</summary>
    public static double Place(double value) => Math.Log10(value);

    /// <summary>Ticks for values between two, both above 0.</summary>
    public static NumericManual Ticks(double least, double most, Func<double, string> format)
    {
        var ticks = new NumericManual();
        foreach (var value in TickValues(least, most)) ticks.AddMajor(Place(value), format(value));
        return ticks;
    }

    /// <summary>The values of the ticks, many of them beyond the two.</summary>
    internal static IEnumerable<double> TickValues(double least, double most)
    {
        if (most / least < NarrowRange) return EquallySpaced(least, most);
        double[] steps = most / least > WideRange ? [1] : [1, 2, 5];
        return Enumerable.Range(-Decades, (2 * Decades) + 1).SelectMany(decade => steps.Select(step => step * Math.Pow(10, decade)));
    }

    // Multiples of a round number, somewhat beyond both ends.
    private static IEnumerable<double> EquallySpaced(double least, double most)
    {
        var range = Math.Max(most - least, least / 10);
        var power = Math.Pow(10, Math.Floor(Math.Log10(range / NarrowTicks)));
        var step = power * Factors.First(factor => factor * power * NarrowTicks >= range);
        for (var value = Math.Max(Math.Ceiling((least - range) / step), 1) * step; value <= most + range; value += step) yield return value;
    }
}
