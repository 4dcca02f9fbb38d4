using System.Globalization;
using LoraServe.Training.Plots;

namespace LoraServe.Tests.Training.Plots;

public class LogAxisTests
{
    [Theory]
    [InlineData(0.0229, 0.0252)]
    [InlineData(0.02, 0.02)]
    [InlineData(0.3, 1.4)]
    [InlineData(0.01, 3)]
    [InlineData(28_000, 5_200_000)]
    public void TickValues_AnyRange_AreRoundNumbersAmongTheValues(double least, double most)
    {
        var ticks = LogAxis.TickValues(least, most).ToList();

        ticks.Count(tick => tick >= least * 0.9 && tick <= most * 1.1).ShouldBeInRange(2, 12);
        ticks.ShouldAllBe(tick => Math.Abs(double.Parse($"{tick:G3}", CultureInfo.CurrentCulture) - tick) < 1e-9 * tick);
    }
}
