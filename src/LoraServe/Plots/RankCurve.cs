using LoraServe.Engine.Training.Ranks;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace LoraServe.Plots;

/// <summary>
/// A figure over the rank or the number of trained weights: a line per placement at the largest data size, error bars of one standard error,
/// full fine-tuning as the baseline.
/// </summary>
/// <param name="result">The study.</param>
/// <param name="metric">The figure.</param>
internal sealed class RankCurve(RankStudyResult result, RankMetric metric)
{
    // An error bar on a logarithmic axis must end above 0.
    private const double LeastPart = 0.05;

    private readonly List<RankStudyRow> _rows = [.. result.Rows.Where(row => row.Loss is not null && row.DataSize == result.ComparedSize)];

    /// <summary>Over r.</summary>
    public Plot OverRank()
    {
        var plot = Figure.Create("Quality over rank", "rank r", metric.Name);
        AddFull(plot);
        AddPlacements(plot, row => Math.Log2(row.Rank!.Value));
        var ranks = _rows.Where(row => row.Rank is not null).Select(row => row.Rank!.Value).Distinct().Order().ToList();
        plot.Axes.Bottom.TickGenerator = new NumericManual(
            [.. ranks.Select(rank => Math.Log2(rank))], [.. ranks.Select(rank => $"{rank}")]);
        AddPlateau(plot);
        return Finish(plot);
    }

    /// <summary>Over the number of trained weights; full fine-tuning is a point too.</summary>
    public Plot OverParameters()
    {
        var plot = Figure.Create("Quality over trained weights", "trained weights", metric.Name);
        AddPlacements(plot, row => LogAxis.Place(row.Parameters));
        foreach (var full in _rows.Where(row => row.Rank is null))
            AddPoints(plot, [full], row => LogAxis.Place(row.Parameters), Figure.Ink, MarkerShape.FilledDiamond, "full fine-tuning");
        LogAxis.Label(plot, plot.Axes.Bottom, Short);
        return Finish(plot);
    }

    private void AddPlacements(Plot plot, Func<RankStudyRow, double> x)
    {
        var placements = _rows.Where(row => row.Rank is not null).GroupBy(row => row.Target).ToList();
        for (var i = 0; i < placements.Count; i++)
        {
            var rows = placements[i].OrderBy(row => row.Rank).ToList();
            var shape = i % 2 == 0 ? MarkerShape.FilledCircle : MarkerShape.FilledSquare;
            AddPoints(plot, rows, x, Figure.ColorOf(i), shape, $"LoRA, {placements[i].Key}");
        }
    }

    private void AddPoints(
        Plot plot, IReadOnlyList<RankStudyRow> rows, Func<RankStudyRow, double> x, Color color, MarkerShape shape, string legend)
    {
        var spreads = rows.Select(metric.Of).ToList();
        double[] xs = [.. rows.Select(x)];
        double[] ys = [.. spreads.Select(spread => Place(spread.Mean))];
        var line = plot.Add.Scatter(xs, ys, color);
        (line.LineWidth, line.MarkerSize, line.MarkerShape, line.LegendText) = (2, 8, shape, legend);
        var bars = new ScottPlot.Plottables.ErrorBar(
            xs,
            ys,
            null,
            null,
            [.. spreads.Select((spread, i) => ys[i] - Place(Math.Max(LeastPart * spread.Mean, spread.Mean - spread.StandardError)))],
            [.. spreads.Select((spread, i) => Place(spread.Mean + spread.StandardError) - ys[i])])
        {
            Color = color,
            CapSize = 4,
            LineWidth = 1.5f,
        };
        plot.PlottableList.Add(bars);
    }

    private void AddFull(Plot plot)
    {
        foreach (var spread in _rows.Where(row => row.Rank is null).Select(metric.Of))
        {
            var low = Math.Max(LeastPart * spread.Mean, spread.Mean - spread.StandardError);
            var band = plot.Add.VerticalSpan(Place(low), Place(spread.Mean + spread.StandardError), Figure.Ink.WithAlpha(0.10));
            band.LineWidth = 0;
            var line = plot.Add.HorizontalLine(Place(spread.Mean), 1.5f, Figure.Ink, LinePattern.Dashed);
            line.LegendText = "full fine-tuning";
        }
    }

    private void AddPlateau(Plot plot)
    {
        var line = plot.Add.VerticalLine(Math.Log2(result.PlateauRank), 1.5f, Figure.Ink.WithAlpha(0.55), LinePattern.Dotted);
        line.LegendText = $"within one standard error of the best: r = {result.PlateauRank}";
    }

    private Plot Finish(Plot plot)
    {
        if (metric.IsLogarithmic) LogAxis.Label(plot, plot.Axes.Left);
        plot.ShowLegend(Edge.Bottom);
        return plot;
    }

    private double Place(double value) => metric.IsLogarithmic ? LogAxis.Place(value) : value;

    private static string Short(double value) => value switch
    {
        >= 1e9 => $"{value / 1e9:G3} G",
        >= 1e6 => $"{value / 1e6:G3} M",
        >= 1e3 => $"{value / 1e3:G3} k",
        _ => $"{value:G3}",
    };
}
