using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace LoraServe.Plots;

/// <summary>
/// A logarithmic axis: positions on it, and ticks at powers of ten, at 1, 2 and 5 times them, or equally spaced on a short axis.
/// </summary>
internal static class LogAxis
{
    private const int LeastTicks = 3;
    private const double NarrowRange = 5;

    private static readonly double[][] Factors = [[1], [1, 2, 5]];
    private static readonly double[] Steps = [5, 2, 1];

    /// <summary>The position of a number above 0 on the axis.</summary>
    public static double Place(double value) => Math.Log10(value);

    /// <summary>Fits a plot to its content, and gives an axis ticks within the visible range.</summary>
    /// <param name="plot">The plot.</param>
    /// <param name="axis">One of its axes, in positions.</param>
    /// <param name="format">Formats a value as a label; null uses as many digits as distinguish the ticks.</param>
    public static void Label(Plot plot, IAxis axis, Func<double, string>? format = null)
    {
        plot.Axes.AutoScale();
        var ticks = new NumericManual();
        var values = TickValues(Math.Pow(10, axis.Range.Min), Math.Pow(10, axis.Range.Max));
        foreach (var value in values) ticks.AddMajor(Place(value), format?.Invoke(value) ?? Text(value, values));
        axis.TickGenerator = ticks;
    }

    /// <summary>The tick values between two values above 0.</summary>
    internal static IReadOnlyList<double> TickValues(double least, double most)
    {
        if (!(most > least)) return [least];
        if (most / least >= NarrowRange)
        {
            var (first, last) = ((int)Math.Floor(Math.Log10(least)), (int)Math.Ceiling(Math.Log10(most)));
            foreach (var factors in Factors)
            {
                var ticks = Enumerable.Range(first, last - first + 1).SelectMany(decade => factors.Select(factor => factor * Math.Pow(10, decade)))
                    .Where(value => value >= least && value <= most).ToList();
                if (ticks.Count >= LeastTicks) return ticks;
            }
        }

        return EquallySpaced(least, most);
    }

    // Multiples of the largest round step that yields enough ticks.
    private static List<double> EquallySpaced(double least, double most)
    {
        for (var power = Math.Floor(Math.Log10(most - least)); ; power--)
        {
            foreach (var factor in Steps)
            {
                var step = factor * Math.Pow(10, power);
                var (first, last) = (Math.Ceiling(least / step), Math.Floor(most / step));
                if (last - first + 1 < LeastTicks) continue;
                return [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step)];
            }
        }
    }

    private static string Text(double value, IReadOnlyList<double> values)
    {
        for (var digits = 3; digits < 15; digits++)
        {
            if (values.Select(other => Rounded(other, digits)).Distinct(StringComparer.Ordinal).Count() == values.Count) return Rounded(value, digits);
        }

        return $"{value:R}";
    }

    private static string Rounded(double value, int digits) => value.ToString($"G{digits}", CultureInfo.InvariantCulture);
}
