using ScottPlot;
using ScottPlot.Colormaps;
using ScottPlot.TickGenerators;

namespace LoraServe.Plots;

/// <summary>A table drawn as colours.</summary>
internal static class HeatMap
{
    // With more cells than this, numbers in them are illegible.
    private const int MaxWrittenCells = 60;

    /// <param name="plot">Of <see cref="Figure.Create"/>.</param>
    /// <param name="values">[row][column], NaN where there is none; the first row is drawn at the bottom.</param>
    /// <param name="columns">Names of columns; empty ones get no tick.</param>
    /// <param name="rows">Names of rows, likewise.</param>
    /// <param name="scale">The meaning of the colours.</param>
    /// <param name="range">Minimum and maximum of the scale; null takes those of the values.</param>
    /// <param name="errors">[row][column], written below the values; null: none are known.</param>
    public static Plot Of(
        Plot plot,
        IReadOnlyList<IReadOnlyList<double>> values,
        IReadOnlyList<string> columns,
        IReadOnlyList<string> rows,
        string scale,
        ScottPlot.Range? range = null,
        IReadOnlyList<IReadOnlyList<double>>? errors = null)
    {
        var cells = new double[rows.Count, columns.Count];
        for (var i = 0; i < rows.Count; i++)
            for (var j = 0; j < columns.Count; j++) cells[rows.Count - 1 - i, j] = values[i][j];
        var map = plot.Add.Heatmap(cells);
        map.Colormap = new Viridis();
        var used = range ?? RangeOf([.. values.SelectMany(row => row).Where(double.IsFinite)]);
        map.ManualRange = used;
        var bar = plot.Add.ColorBar(map);
        (bar.Label, bar.LabelStyle.FontSize, bar.LabelStyle.Bold) = (scale, plot.Axes.Left.Label.FontSize, false);
        plot.Axes.Bottom.TickGenerator = Ticks(columns);
        plot.Axes.Left.TickGenerator = Ticks(rows);
        plot.HideGrid();
        plot.Axes.Margins(0, 0);
        if (values.Sum(row => row.Count) <= MaxWrittenCells) Write(plot, values, errors, used);
        return plot;
    }

    private static void Write(
        Plot plot, IReadOnlyList<IReadOnlyList<double>> values, IReadOnlyList<IReadOnlyList<double>>? errors, ScottPlot.Range range)
    {
        for (var i = 0; i < values.Count; i++)
        {
            for (var j = 0; j < values[i].Count; j++)
            {
                var text = plot.Add.Text(TextOf(values[i][j], errors?[i][j]), j, i);
                text.LabelAlignment = Alignment.MiddleCenter;
                text.LabelFontColor = double.IsNaN(values[i][j]) || values[i][j] > range.Min + (0.6 * (range.Max - range.Min)) ? Figure.Ink : Colors.White;
            }
        }
    }

    private static string TextOf(double value, double? error) => (double.IsNaN(value), error) switch
    {
        (true, _) => "diverged",
        (_, > 0) => $"{value:G3}\n± {error:G2}",
        _ => $"{value:G3}",
    };

    private static ScottPlot.Range RangeOf(IReadOnlyList<double> values) => values.Count == 0 ? new(0, 1) : new(values.Min(), values.Max());

    private static NumericManual Ticks(IReadOnlyList<string> names)
    {
        var ticks = new NumericManual();
        for (var i = 0; i < names.Count; i++)
            if (names[i].Length > 0) ticks.AddMajor(i, names[i]);
        return ticks;
    }
}
