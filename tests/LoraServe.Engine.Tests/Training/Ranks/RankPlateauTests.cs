using LoraServe.Engine.Training.Ranks;
using Shouldly;
using Xunit;
using static LoraServe.Engine.Tests.Training.Ranks.StudyRows;

namespace LoraServe.Engine.Tests.Training.Ranks;

public class RankPlateauTests
{
    [Fact]
    public void Of_SmallerRankWithinOneStandardErrorOfTheBest_IsChosen()
    {
        // The best has a mean of 0.96 and a standard error of 0.02 / sqrt(3) = 0.0115.
        var plateau = RankPlateau.Of(
            [Row(1, [0.5, 0.5, 0.5]), Row(2, [0.94, 0.94, 0.94]), Row(4, [0.95, 0.95, 0.95]), Row(8, [0.94, 0.96, 0.98])]);

        plateau.Best.Rank.ShouldBe(8);
        plateau.Chosen.Rank.ShouldBe(4);
    }

    [Fact]
    public void Of_OneSeed_TakesTheErrorOfTheExamples()
    {
        // sqrt(91/102 * 11/102 / 102) = 0.031.
        RankPlateau.Of([Row(1, [0.86]), Row(2, [0.88]), Row(4, [0.9], generated: 100)]).Chosen.Rank.ShouldBe(2);
    }

    [Fact]
    public void Of_NothingGenerated_ComparesLosses()
    {
        var plateau = RankPlateau.Of(
            [Row(1, [], losses: [0.3, 0.3]), Row(2, [], losses: [0.21, 0.21]), Row(4, [], losses: [0.18, 0.22])]);

        plateau.Best.Rank.ShouldBe(4);
        plateau.Chosen.Rank.ShouldBe(2);
    }

    [Fact]
    public void Of_SeveralSizesAndFull_LooksAtRanksOnTheLargestDataOnly()
    {
        var plateau = RankPlateau.Of([Row(1, [0.9, 0.9], size: 200), Row(2, [0.7, 0.7], size: 400), Row(null, [1, 1], size: 400)]);

        plateau.Chosen.ShouldBe(plateau.Best);
        plateau.Chosen.Rank.ShouldBe(2);
    }

    [Fact]
    public void Of_SettingsThatDiverged_AreNotCompared()
    {
        var plateau = RankPlateau.Of(
            [Row(1, [], diverged: 2), Row(2, [0.9, 0.9]), Row(4, [0.99], diverged: 1), Row(2, [], size: 400, diverged: 2)]);

        plateau.Best.Rank.ShouldBe(2);
        plateau.Best.DataSize.ShouldBe(100);
    }

    [Fact]
    public void Recommend_WithFull_SaysWhatToTakeWhyAndWhatItCosts()
    {
        RankStudyRow[] rows =
            [Row(4, [0.95, 0.95], generated: 100), Row(8, [0.94, 0.98], generated: 100), Row(null, [0.97, 0.97], generated: 100)];

        RankPlateau.Of(rows).Recommend(rows).ShouldBe(
            "Take r = 4 on all-linear: exact match 95.0 % ± 2.3, within one standard error of the best, r = 8 on all-linear with exact match "
            + "96.0 % ± 2.9; it trains 4,000 weights, 4.00 % of the model, and its file takes 16 KiB. Full fine-tuning reaches exact match "
            + "97.0 % ± 1.9 with 250 times the trained weights.");
    }
}
