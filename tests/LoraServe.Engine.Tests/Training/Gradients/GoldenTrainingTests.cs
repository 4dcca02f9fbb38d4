using System.Text.Json;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Training.Gradients;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Gradients;

/// <summary>Twenty steps as the reference implementation made them: same start, same data, same optimiser.</summary>
public class GoldenTrainingTests
{
    private const int Steps = 20;
    private const int BatchSize = 4;
    private const string Prefix = "base_model.model.";

    // The examples that the golden file lists are those of this training: the other two were made on examples that it does not list.
    [Theory]
    [InlineData("dora")]
    public void Train_TwentySteps_EqualsReference(string variant)
    {
        using var checkpoint = new TrainedCheckpoint("llama-gqa");
        var before = checkpoint.Weights.Fingerprint();
        var config = GoldenData.Json("training", variant, "start", "adapter_config.json");
        using var model = new TrainedModel(checkpoint.Config, checkpoint.Weights, TrainedCheckpoint.Settings with
        {
            Rank = config.GetProperty("r").GetInt32(),
            Alpha = config.GetProperty("lora_alpha").GetDouble(),
            UseRsLora = config.GetProperty("use_rslora").GetBoolean(),
            UseDora = config.GetProperty("use_dora").GetBoolean(),
            TargetModules = config.GetProperty("target_modules").Deserialize<string[]>()!,
        });
        Start(model, variant);
        var golden = GoldenData.Json("training", "expected.json");
        var examples = golden.GetProperty("data").EnumerateArray().Select(row =>
            (row.GetProperty("prompt").Deserialize<int[]>()!, row.GetProperty("completion").Deserialize<int[]>()!)).ToList();
        var expected = golden.GetProperty("variants").GetProperty(variant).GetProperty("steps").EnumerateArray().ToList();
        var optimiser = new ReferenceAdamW(model.Parameters);

        expected.Count.ShouldBe(Steps);
        for (var step = 0; step < Steps; step++)
        {
            var batch = TrainedCheckpoint.Batch([.. Enumerable.Range(0, BatchSize).Select(i => examples[((BatchSize * step) + i) % examples.Count])]);
            var loss = TrainedCheckpoint.Run(model.Train(batch, 1.0 / batch.TargetCount, dropoutSeed: 0), batch.TargetCount);
            var tolerance = step < 10 ? 1e-4 : 1e-3;
            loss.ShouldBe(expected[step].GetProperty("loss").GetDouble(), tolerance, $"step {step}");
            var norm = optimiser.GradientNorm();
            var wantedNorm = expected[step].GetProperty("gradient_norm").GetDouble();
            norm.ShouldBe(wantedNorm, wantedNorm * 10 * tolerance, $"step {step}");
            if (step == 0) ShouldEqual(model.Parameters.ToDictionary(p => p.Name, p => p.Gradient), variant, "first_gradient_before_clipping.safetensors", 1e-5);
            optimiser.Step(expected[step].GetProperty("learning_rate").GetDouble(), norm);
            model.Refresh();
        }

        ShouldEqual(model.Parameters.ToDictionary(p => p.Name, p => p.Value), variant, Path.Combine("end", "adapter_model.safetensors"), 1e-3);
        checkpoint.Weights.Fingerprint().ShouldBe(before);
    }

    private static void Start(TrainedModel model, string variant)
    {
        using var file = SafetensorsFile.Open(GoldenData.Path("training", variant, "start", "adapter_model.safetensors"));
        file.Entries.Count.ShouldBe(model.Parameters.Count);
        foreach (var parameter in model.Parameters)
        {
            using var start = file.Read(Prefix + parameter.Name);
            parameter.Value.copy_(start);
        }

        model.Refresh();
    }

    private static void ShouldEqual(Dictionary<string, torch.Tensor> actual, string variant, string fileName, double tolerance)
    {
        using var file = SafetensorsFile.Open(GoldenData.Path("training", variant, fileName));
        file.Entries.Count.ShouldBe(actual.Count);
        foreach (var (stored, entry) in file.Entries)
        {
            var name = stored.Replace(Prefix, "", StringComparison.Ordinal).Replace("vector.weight", "vector", StringComparison.Ordinal);
            using var expected = file.Read(stored);
            entry.Shape.ShouldBe(actual[name].shape);
            var (wanted, found) = (expected.data<float>().ToArray(), actual[name].data<float>().ToArray());
            for (var i = 0; i < wanted.Length; i++) found[i].ShouldBe(wanted[i], tolerance, $"{fileName} {name} [{i}]");
        }
    }
}
