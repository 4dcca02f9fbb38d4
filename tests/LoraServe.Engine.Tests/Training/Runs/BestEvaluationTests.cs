using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Runs;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Runs;

public class BestEvaluationTests
{
    [Theory]
    [InlineData(0.0351, 0.65, 0.0439, 0.675, BestBy.Loss)]
    [InlineData(0.0439, 0.675, 0.0351, 0.65, null)]
    [InlineData(0.0600, 0.9, 0.0439, 0.65, BestBy.ExactMatch)]
    [InlineData(0.0100, 0.4, 0.0439, 0.65, null)]
    [InlineData(0.0600, 0.025, 0.0439, 0.0, null)]
    [InlineData(0.0439, null, 0.0439, null, null)]
    [InlineData(0.0438, null, 0.0439, null, BestBy.Loss)]
    public void Compare_OfFortyExamples_DecidesByLossUnlessExactMatchIsBeyondItsError(
        double loss, double? match, double bestLoss, double? bestMatch, BestBy? expected) =>
        BestEvaluation.Compare(Figures(loss, match), Figures(bestLoss, bestMatch)).ShouldBe(expected);

    [Fact]
    public void Compare_First_IsTheBest() => BestEvaluation.Compare(Figures(1, 0), best: null).ShouldNotBeNull();

    private static EvaluationFigures Figures(double loss, double? match) => new(loss, 0.99, match, 40, match is null ? 0 : 40);
}
