using LoraServe.Engine.Training.Results;
using ScottPlot;

namespace LoraServe.Plots;

/// <summary>Training loss, validation loss and exact match over steps.</summary>
internal static class LossCurve
{
    // The window of the running mean of the training loss in steps, less in short trainings.
    private const int MeanSteps = 25;

    /// <param name="title">What was trained.</param>
    /// <param name="steps">In order, at least one.</param>
    /// <param name="evaluations">In order; may be empty.</param>
    public static byte[] Png(string title, IReadOnlyList<StepMade> steps, IReadOnlyList<Evaluated> evaluations)
    {
        var plot = Figure.Create(title, "step", "loss (nats per token)");
        AddTraining(plot, steps);
        if (evaluations.Count > 0) AddValidation(plot, evaluations);
        LogAxis.Label(plot, plot.Axes.Left);
        if (evaluations.Any(evaluation => evaluation.Figures.ExactMatch is not null)) AddExactMatch(plot, evaluations);
        plot.ShowLegend(Edge.Bottom);
        return Figure.Png(plot, 760, 440);
    }

    private static void AddTraining(Plot plot, IReadOnlyList<StepMade> steps)
    {
        var seen = steps.Where(step => step.Loss > 0).ToList();
        double[] x = [.. seen.Select(step => (double)step.Step)];
        var points = plot.Add.ScatterLine(x, [.. seen.Select(step => LogAxis.Place(step.Loss))], Figure.ColorOf(0).WithAlpha(0.25));
        points.LineWidth = 1;
        var latest = 2.0 / (1 + Math.Clamp(seen.Count / 20, 1, MeanSteps));
        var (mean, smooth) = (double.NaN, new double[seen.Count]);
        for (var i = 0; i < smooth.Length; i++)
            smooth[i] = LogAxis.Place(mean = double.IsNaN(mean) ? seen[i].Loss : mean + (latest * (seen[i].Loss - mean)));
        var line = plot.Add.ScatterLine(x, smooth, Figure.ColorOf(0));
        (line.LineWidth, line.LegendText) = (2, "training loss (running mean)");
    }

    private static void AddValidation(Plot plot, IReadOnlyList<Evaluated> evaluations)
    {
        var seen = evaluations.Where(evaluation => evaluation.Figures.Loss > 0).ToList();
        var line = plot.Add.Scatter(
            seen.Select(evaluation => (double)evaluation.Step).ToArray(),
            seen.Select(evaluation => LogAxis.Place(evaluation.Figures.Loss)).ToArray(),
            Figure.ColorOf(1));
        (line.LineWidth, line.MarkerSize, line.LegendText) = (2, 6, "validation loss");
    }

    private static void AddExactMatch(Plot plot, IReadOnlyList<Evaluated> evaluations)
    {
        var seen = evaluations.Where(evaluation => evaluation.Figures.ExactMatch is not null).ToList();
        var line = plot.Add.Scatter(
            seen.Select(evaluation => (double)evaluation.Step).ToArray(),
            seen.Select(evaluation => 100 * evaluation.Figures.ExactMatch!.Value).ToArray(),
            Figure.ColorOf(2));
        (line.LineWidth, line.MarkerSize, line.LegendText, line.LinePattern) = (2, 6, "exact match (right axis)", LinePattern.Dashed);
        line.MarkerShape = MarkerShape.FilledSquare;
        line.Axes.YAxis = plot.Axes.Right;
        plot.Axes.Right.FrameLineStyle.Width = 1;
        plot.Axes.Right.Label.Text = "exact match (%)";
        plot.Axes.Right.Label.FontSize = plot.Axes.Left.Label.FontSize;
        plot.Axes.Right.Label.Bold = false;
        plot.Axes.SetLimitsY(0, 105, plot.Axes.Right);
    }
}
