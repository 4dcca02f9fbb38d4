using LoraServe.Engine.Lora;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Lora;

public class FrobeniusNormTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    [InlineData(2100, 2000)]
    public void Of_AnyShape_EqualsTheDefinition(long rows, long columns)
    {
        using var scope = NewDisposeScope();
        var x = RandomMatrix.Of(rows, columns, seed: 1);
        var y = RandomMatrix.Of(rows, columns, seed: 2);

        FrobeniusNorm.Of(x).ShouldBe(Definition(x.to(ScalarType.Float64)), 1e-5);
        FrobeniusNorm.OfDifference(x, y).ShouldBe(Definition(x.to(ScalarType.Float64) - y.to(ScalarType.Float64)), 1e-5);
        FrobeniusNorm.OfDifference(x, x).ShouldBe(0);
    }

    [Fact]
    public void Of_NarrowDtypeAndTransposedView_TakesTheStoredValues()
    {
        using var scope = NewDisposeScope();
        var x = RandomMatrix.Of(30, 40, seed: 1).to(ScalarType.BFloat16).t();

        FrobeniusNorm.Of(x).ShouldBe(Definition(x.to(ScalarType.Float64)), 1e-5);
        FrobeniusNorm.OfDifference(x, x.to(ScalarType.Float32)).ShouldBe(0);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 40)]
    [InlineData(50, 2000)]
    public void OfRows_AnyShape_AreTheNormsOfTheRows(long rows, long columns)
    {
        using var scope = NewDisposeScope();
        var x = RandomMatrix.Of(rows, columns, seed: 1);

        FrobeniusNorm.OfRows(x).ShouldBe(Enumerable.Range(0, (int)rows).Select(row => FrobeniusNorm.Of(x[row])), 1e-5);
    }

    private static double Definition(Tensor x) => Math.Sqrt((x * x).sum().item<double>());
}
