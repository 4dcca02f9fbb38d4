using ScottPlot.TickGenerators;

namespace LoraServe.Training.Plots;

/// <summary>A logarithmic axis: places on it, and its ticks at 1, 2 and 5 times the powers of ten.</summary>
internal static class LogAxis
{
    private const int Decades = 12;
    private const double WideRange = 200;

    /// <summary>Where a number above 0 is on the axis.</summary>
    public static double Place(double value) => Math.Log10(value);

    /// <summary>Ticks for values between two, both above 0.</summary>
    public static NumericManual Ticks(double least, double most, Func<double, string> format)
    {
        var ticks = new NumericManual();
        double[] steps = most / least > WideRange ? [1] : [1, 2, 5];
        for (var decade = -Decades; decade <= Decades; decade++)
        {
            foreach (var step in steps)
            {
                var value = step * Math.Pow(10, decade);
                ticks.AddMajor(Place(value), format(value));
            }
        }

        return ticks;
    }
}
