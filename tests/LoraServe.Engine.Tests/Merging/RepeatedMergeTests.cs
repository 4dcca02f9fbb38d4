using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Models;
using LoraServe.Engine.Tests.Generation;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Merging;

// Counts the tensors of the whole process, so nothing may run beside it.
[Collection(nameof(LlmEngineTests))]
public class RepeatedMergeTests
{
    private const int Merges = 2000;

    [Theory]
    [InlineData(torch.ScalarType.Float32)]
    [InlineData(torch.ScalarType.BFloat16)]
    public void MergeNext_ThousandsOfRandomAdapters_LeavesBaseAndTensorCountAsTheyWere(torch.ScalarType dtype)
    {
        var folder = GoldenData.Path("checkpoints", "llama-bias-untied");
        var config = ModelConfig.Load(folder);
        using var files = Checkpoint.Open(folder);
        using var weights = BaseWeights.Load(config, files, dtype, torch.CPU, progress: null);
        var linears = config.Modules("base").Linears;
        var fingerprint = weights.Checksum();
        var random = new Random(1);
        Merge();
        // What others left to the finalizer would go meanwhile.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var tensors = torch.Tensor.TotalCount;

        for (var i = 0; i < Merges; i++) Merge();

        torch.Tensor.TotalCount.ShouldBe(tensors);
        weights.Checksum().ShouldBe(fingerprint);

        void Merge()
        {
            var some = linears.Where(_ => random.Next(4) == 0).ToList();
            using var adapter = new LoraAdapter(new AdapterVersionId("random"), some.ToDictionary(linear => linear.Path, Update));
            using var merger = new AdapterMerger(weights, adapter, AdapterMerger.Allocate(weights, adapter));
            // Some are given up half-way.
            for (var left = random.Next(some.Count + 3); left > 0 && !merger.IsComplete; left--) merger.Advance();
            if (!merger.IsComplete) return;
            using var merged = merger.Complete();
            merged.Adapter.Linears.Count.ShouldBe(some.Count);
        }

        LinearUpdate Update(LinearModule linear)
        {
            using var scope = torch.NewDisposeScope();
            var rank = random.Next(1, 9);
            return new LowRankUpdate(
                Own([rank, linear.InFeatures]), Own([linear.OutFeatures, rank]),
                random.Next(2) == 0 ? Own([linear.OutFeatures]) : null, random.Next(2) == 0 ? Own([linear.OutFeatures]) : null);
        }

        torch.Tensor Own(long[] shape) => torch.randn(shape).to(dtype).DetachFromDisposeScope();
    }
}
