using LoraServe.Engine.Lora;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Lora;

public class DoraScaleTests
{
    [Fact]
    public void Of_MoreWeightsThanAChunk_IsTheDefinitionForEachRow()
    {
        const int Inputs = 100_000;
        using var scope = NewDisposeScope();
        var (weight, a, b) = (randn(5, Inputs), randn(2, Inputs), randn(5, 2));
        var magnitude = rand(5) + 0.5;

        var scale = DoraScale.Of(weight, a, b, magnitude);

        scale.allclose(magnitude / (weight + b.mm(a)).norm(dim: 1), rtol: 1e-4, atol: 0).ShouldBeTrue();
    }

    [Fact]
    public void Of_ARowOfZeros_IsOne()
    {
        using var scope = NewDisposeScope();

        var scale = DoraScale.Of(zeros(2, 4), zeros(1, 4), zeros(2, 1), ones(2));

        scale.Equals(ones(2)).ShouldBeTrue();
    }
}
