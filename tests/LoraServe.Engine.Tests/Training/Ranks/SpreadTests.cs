using LoraServe.Engine.Training.Ranks;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Ranks;

public class SpreadTests
{
    [Fact]
    public void OfShares_SeedsThatAgree_HaveTheErrorOfTheTestSet()
    {
        // sqrt(17/22 * 5/22 / 22)
        Spread.OfShares([0.8, 0.8], examples: 20).StandardError.ShouldBe(0.0893, 1e-4);
        Spread.OfShares([1, 1], examples: 20).StandardError.ShouldBe(0.0444, 1e-4);
    }

    [Fact]
    public void OfShares_ManyExamples_HasTheErrorOverSeeds() =>
        Spread.OfShares([0.94, 0.96, 0.98], examples: 1_000_000).StandardError.ShouldBe(0.02 / Math.Sqrt(3), 1e-4);

    [Fact]
    public void OfShares_MoreSeeds_KeepTheErrorOfTheTestSet() =>
        Spread.OfShares([.. Enumerable.Repeat(0.8, 50)], examples: 20).StandardError
            .ShouldBe(Spread.OfShares([0.8], examples: 20).StandardError, 1e-9);

    [Fact]
    public void ExactMatch_OfAStudysRow_CountsTheTestSet()
    {
        StudyRows.Row(4, [0.95, 0.95], generated: 20).ExactMatch!.StandardError.ShouldBeGreaterThan(0.04);
        StudyRows.Row(4, [0.95, 0.95]).ExactMatch!.StandardError.ShouldBe(0);
    }
}
