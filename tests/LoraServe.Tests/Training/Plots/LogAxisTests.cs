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
    public void Ticks_AnyRange_AreRoundNumbersAmongTheValues(double least, double most)
    {
        var ticks = LogAxis.Ticks(least, most, value => value.ToString("G3", CultureInfo.InvariantCulture)).Ticks;

        ticks.Count(tick => tick.Position >= LogAxis.Place(least * 0.9) && tick.Position <= LogAxis.Place(most * 1.1)).ShouldBeInRange(2, 12);
        ticks.ShouldAllBe(tick => Math.Abs(LogAxis.Place(double.Parse(tick.Label, CultureInfo.InvariantCulture)) - tick.Position) < 1e-3);
    }
}
