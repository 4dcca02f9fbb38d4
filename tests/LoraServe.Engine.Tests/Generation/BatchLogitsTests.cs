using System.Threading.Channels;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public sealed class BatchLogitsTests : IDisposable
{
    private readonly SmallModel _small = new();

    public void Dispose() => _small.Dispose();

    [Fact]
    public void Of_AfterASliceThatFailed_GivesNoRowOfTheOneBefore()
    {
        using var mode = torch.inference_mode();
        using var adapter = _small.OfHead(factor: 1);
        var batch = new Batch([Prompt(0, LoraAdapter.Base), Prompt(1, adapter), Prompt(2, LoraAdapter.Base)]);
        var expected = _small.Runner().Run(batch);
        float[] first = [.. expected.Of(0, 1)], last = [.. expected.Of(2, 0)];
        var logits = _small.Runner().Run(batch);
        logits.Of(0, 1).ToArray().ShouldBe(first);
        adapter.Dispose();

        Should.Throw<InvalidOperationException>(() => { logits.Of(1, 0); });

        Should.Throw<InvalidOperationException>(() => { logits.Of(1, 1); });
        logits.Of(2, 0).ToArray().ShouldBe(last);
    }

    // Two tokens with logits each: a slice.
    private BatchRow Prompt(int index, LoraAdapter adapter)
    {
        var request = new GenerationRequest
        {
            Prompt = [1, 2],
            Sampling = new SamplingParams { PromptLogprobs = 0 },
            Adapter = new AdapterLease(adapter, () => { }),
        };
        var sequence = new Sequence(index, request, [], Channel.CreateUnbounded<GeneratedToken>().Writer, new());
        _small.Blocks.TryAllocate(1, sequence.HeldBlocks).ShouldBeTrue();
        return new BatchRow(sequence, 0, 2);
    }
}
