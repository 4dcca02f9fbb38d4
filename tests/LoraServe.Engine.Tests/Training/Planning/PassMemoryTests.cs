using LoraServe.Engine.Peft;
using LoraServe.Engine.Tests.Training.Gradients;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Settings;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Planning;

public class PassMemoryTests
{
    // Enough that a pass needs several chunks of memory.
    private const int Tokens = 16_000;
    private const int Length = 250;

    [Theory]
    [InlineData("llama-gqa", false, false, 0.0)]
    [InlineData("llama-gqa", true, false, 0.0)]
    [InlineData("llama-gqa", false, true, 0.1)]
    [InlineData("qwen3", false, false, 0.0)]
    public void Training_ManyTokens_IsWhatAPassTakesOrSomewhatMore(string model, bool recompute, bool dora, double dropout)
    {
        using var checkpoint = new TrainedCheckpoint(model);
        var settings = TrainedCheckpoint.Settings with { Recompute = recompute, UseDora = dora, Dropout = dropout };
        using var trained = new TrainedModel(checkpoint.Config, TrainedCheckpoint.MaxModelLen, checkpoint.Weights, settings);
        var batch = checkpoint.RandomBatch(1, [.. Enumerable.Repeat(Length, Tokens / Length)]);

        using var pass = trained.Train(batch, 1.0 / batch.TargetCount, dropoutSeed: 1);
        while (pass.Advance())
        {
        }

        // The estimate includes dropout masks and DoRA's scaled results, which pass.Bytes does not.
        Estimate(checkpoint, settings).ShouldBeInRange(pass.Bytes, 2 * pass.Bytes);
    }

    [Fact]
    public void Training_Full_IsWhatAPassTakesOrSomewhatMore()
    {
        using var checkpoint = new TrainedCheckpoint("llama-gqa");
        var settings = TrainedCheckpoint.Settings with { Method = TrainingMethod.Full };
        using var trained = new TrainedModel(checkpoint.Config, TrainedCheckpoint.MaxModelLen, checkpoint.Weights, settings, torch.ScalarType.Float32);
        var batch = checkpoint.RandomBatch(1, [.. Enumerable.Repeat(Length, Tokens / Length)]);

        using var pass = trained.Train(batch, 1.0 / batch.TargetCount, dropoutSeed: 1);
        while (pass.Advance())
        {
        }

        // The estimate includes dropout masks and DoRA's scaled results, which pass.Bytes does not.
        Estimate(checkpoint, settings).ShouldBeInRange(pass.Bytes, 2 * pass.Bytes);
    }

    private static long Estimate(TrainedCheckpoint checkpoint, TrainingSettings settings)
    {
        var modules = checkpoint.Config.Modules("");
        return new PassMemory(checkpoint.Config, modules, settings, new ModuleRanks(modules, settings, new MatchingTime()), sizeof(float)).Training(Tokens, Length);
    }
}
