using LoraServe.Plots;

namespace LoraServe.Tests.Plots;

public class LogAxisTests
{
    [Theory]
    [InlineData(0.0229, 0.0252)]
    [InlineData(0.023101, 0.023102)]
    [InlineData(0.3, 1.4)]
    [InlineData(0.09, 0.9)]
    [InlineData(0.01, 3)]
    [InlineData(28_000, 5_200_000)]
    [InlineData(1e-8, 20)]
    public void TickValues_AnyRange_AreSeveralWithinIt(double least, double most)
    {
        var ticks = LogAxis.TickValues(least, most);

        ticks.Count.ShouldBeInRange(3, 12);
        ticks.ShouldAllBe(tick => tick >= least && tick <= most);
    }

    [Theory]
    [InlineData(0.0229, 0.0252)]
    [InlineData(0.023101, 0.023102)]
    [InlineData(0.02, 0.02)]
    public void Label_ValuesCloseTogether_TellsTicksInViewApart(double least, double most)
    {
        var plot = Figure.Create("", "", "");
        plot.Add.Scatter(new[] { 1.0, 2 }, new[] { LogAxis.Place(least), LogAxis.Place(most) });

        LogAxis.Label(plot, plot.Axes.Left);
        // Ticks are created by drawing.
        Figure.Png(plot);

        var limits = plot.Axes.GetLimits();
        var labels = plot.Axes.Left.TickGenerator.Ticks.Where(tick => tick.Position >= limits.Bottom && tick.Position <= limits.Top)
            .Select(tick => tick.Label).ToList();
        labels.Count.ShouldBeGreaterThanOrEqualTo(3);
        labels.ShouldBeUnique();
    }
}
