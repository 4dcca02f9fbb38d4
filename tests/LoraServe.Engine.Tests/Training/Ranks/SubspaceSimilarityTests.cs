using FsCheck.Xunit;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Tests.Lora;
using LoraServe.Engine.Training.Ranks;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Training.Ranks;

public class SubspaceSimilarityTests
{
    private const double Tolerance = 1e-12;

    [Property(MaxTest = 50)]
    public void Of_DirectionsWithThemselves_IsOneOnTheDiagonalAndBesideIt(int seed)
    {
        var directions = Directions(4, 12, seed);

        var similarity = SubspaceSimilarity.Of(directions, directions);

        similarity.Count.ShouldBe(4);
        similarity.ShouldAllBe(row => row.All(value => Math.Abs(value - 1) < Tolerance));
    }

    [Fact]
    public void Of_OrthogonalDirections_IsZero()
    {
        SubspaceSimilarity.Of([Unit(0), Unit(1)], [Unit(2), Unit(3)]).ShouldAllBe(row => row.All(value => value == 0));
    }

    [Fact]
    public void Of_OneSharedDirection_CountsItOnceItIsInBothSpans()
    {
        var similarity = SubspaceSimilarity.Of([Unit(0), Unit(1)], [Unit(2), Unit(1)]);

        similarity[0].ShouldBe([0, 0]);
        similarity[1].ShouldBe([0, 0.5]);
    }

    [Fact]
    public void Of_SameSpanInAnotherBasis_IsOneForTheWholeSpan()
    {
        var half = Math.Sqrt(0.5);

        SubspaceSimilarity.Of([Unit(0), Unit(1)], [[half, half, 0, 0], [half, -half, 0, 0]])[1][1].ShouldBe(1, Tolerance);
    }

    private static IReadOnlyList<double[]> Directions(int rank, int features, int seed)
    {
        using var scope = NewDisposeScope();
        return LowRankSvd.Of(RandomMatrix.Of(rank, features, seed), RandomMatrix.Of(features, rank, seed + 1)).RightDirections();
    }

    private static double[] Unit(int index) => [.. Enumerable.Range(0, 4).Select(i => i == index ? 1.0 : 0.0)];
}
