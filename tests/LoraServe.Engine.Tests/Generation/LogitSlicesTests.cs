using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public sealed class LogitSlicesTests : IDisposable
{
    private readonly SmallModel _small = new();

    public void Dispose() => _small.Dispose();

    [Fact]
    public void Of_AfterASliceThatFailed_GivesNoRowOfTheOneBefore()
    {
        using var mode = torch.inference_mode();
        using var hidden = _small.Hidden(rows: 6);
        using var expected = Slices(hidden, LoraAdapter.Base);
        using var adapter = _small.OfHead(factor: 1);
        using var slices = Slices(hidden, adapter);
        slices.Of(1).ToArray().ShouldBe(expected.Of(1).ToArray());
        adapter.Dispose();

        Should.Throw<InvalidOperationException>(() => { slices.Of(2); });

        Should.Throw<InvalidOperationException>(() => { slices.Of(3); });
        slices.Of(4).ToArray().ShouldBe(expected.Of(4).ToArray());
    }

    // The two rows in the middle run on the adapter.
    private LogitSlices Slices(torch.Tensor hidden, LoraAdapter adapter) => new(
        _small.Model, hidden, new LoraBatch([(2, LoraAdapter.Base), (2, adapter), (2, LoraAdapter.Base)]), count => new float[count], _small.SliceBytes);
}
