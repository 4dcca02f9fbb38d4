using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Models;

public sealed class RmsNormTests : IDisposable
{
    private const string Path = "model.norm";
    private const double Epsilon = 1e-5;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Forward_MixedSegments_MultipliesEachTokenByItsOwnWeight(ScalarType dtype)
    {
        var (weight, own) = (randn(8).to(dtype), randn(8).to(dtype));
        var x = randn(6, 2, 8).to(dtype);
        using var norm = new RmsNorm(Path, weight, Epsilon);
        using var other = new RmsNorm(Path, own, Epsilon);
        var adapter = new LoraAdapter(new AdapterVersionId("own"), new Dictionary<string, LinearUpdate>()) { Norms = new Dictionary<string, Tensor> { [Path] = own } };
        var elsewhere = new LoraAdapter(new AdapterVersionId("elsewhere"), new Dictionary<string, LinearUpdate>())
        {
            Norms = new Dictionary<string, Tensor> { ["model.layers.0.input_layernorm"] = own },
        };

        var y = norm.Forward(x, new LoraBatch([(1, LoraAdapter.Base), (3, adapter), (2, elsewhere)]));

        var (bare, replaced) = (norm.Forward(x, new LoraBatch([])), other.Forward(x, new LoraBatch([])));
        y.Equals(cat([bare.narrow(0, 0, 1), replaced.narrow(0, 1, 3), bare.narrow(0, 4, 2)])).ShouldBeTrue();
        bare.Equals(replaced).ShouldBeFalse();
    }
}
