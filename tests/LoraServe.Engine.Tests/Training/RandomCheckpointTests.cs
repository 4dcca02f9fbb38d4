using System.Runtime.InteropServices;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using LoraServe.Engine.Tests.Training.Gradients;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Training;

public class RandomCheckpointTests
{
    [Fact]
    public void Write_Loaded_IsTheStartOfAModelThatGuesses()
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(GoldenData.Path("checkpoints", "llama-gqa"), folder.Path, seed: 3);
        var config = ModelConfig.Load(folder.Path);
        using var files = Checkpoint.Open(folder.Path);
        using var weights = BaseWeights.Load(config, files, torch.ScalarType.Float32, torch.CPU, progress: null);
        using var checkpoint = new TrainedCheckpoint("llama-gqa");
        using var model = new TrainedModel(config, TrainedCheckpoint.MaxModelLen, weights, TrainedCheckpoint.Settings with { Method = TrainingMethod.Full });
        var batch = checkpoint.RandomBatch(5, 40);

        var loss = TrainedCheckpoint.Run(model.Evaluate(batch), batch.TargetCount);

        loss.ShouldBe(Math.Log(config.VocabularySize), 0.1);
        var values = MemoryMarshal.Cast<byte, float>(weights.Embedding.bytes).ToArray();
        Math.Sqrt(values.Average(value => (double)value * value)).ShouldBe(0.02, 0.001);
        values.Average().ShouldBe(0, 0.001);
    }
}
