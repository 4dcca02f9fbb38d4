using System.Text.Json;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Optimization;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Gradients;

/// <summary>Twenty steps against the reference implementation: same initial parameters, data and optimiser.</summary>
public class GoldenTrainingTests
{
    private const int BatchSize = 4;
    private const string Prefix = "base_model.model.";

    [Theory]
    [InlineData("lora")]
    [InlineData("rslora-attention")]
    [InlineData("dora")]
    public void Train_TwentySteps_EqualsReference(string variant)
    {
        using var checkpoint = new TrainedCheckpoint("llama-gqa");
        var before = checkpoint.Weights.Checksum();
        var settings = Settings(variant);
        using var model = Started(checkpoint, settings, variant);
        var expected = Expected(variant).GetProperty("steps");
        expected.GetArrayLength().ShouldBe(settings.Steps);

        Train(model, settings, variant, (step, learningRate, loss, norm) =>
        {
            var tolerance = Tolerance(step);
            learningRate.ShouldBe(expected[step].GetProperty("learning_rate").GetDouble(), 1e-12);
            loss.ShouldBe(expected[step].GetProperty("loss").GetDouble(), tolerance, $"step {step}");
            var wantedNorm = expected[step].GetProperty("gradient_norm").GetDouble();
            norm.ShouldBe(wantedNorm, wantedNorm * 10 * tolerance, $"step {step}");
            if (step == 0) ShouldEqual(model.Parameters.ToDictionary(p => p.Name, p => p.Gradient), variant, "first_gradient_before_clipping.safetensors", 1e-5);
        });

        ShouldEqual(model.Parameters.ToDictionary(p => p.Name, p => p.Value), variant, Path.Combine("end", "adapter_model.safetensors"), 1e-3);
        checkpoint.Weights.Checksum().ShouldBe(before);
    }

    [Theory]
    [InlineData("lora")]
    [InlineData("rslora-attention")]
    [InlineData("dora")]
    public void Train_TwentySteps_EqualsAutograd(string variant)
    {
        using var scope = torch.NewDisposeScope();
        using var checkpoint = new TrainedCheckpoint("llama-gqa");
        var settings = Settings(variant);
        using var model = Started(checkpoint, settings, variant);
        var reference = model.Parameters.Select(parameter => new TrainedParameter(parameter.Name, parameter.Value.clone())).ToList();
        var optimizer = new ReferenceAdamW(reference);

        Train(model, settings, variant, (step, learningRate, loss, norm) =>
        {
            var batch = Batch(variant, step);
            var (wanted, gradients) = AutogradGradients.Of(checkpoint, settings, reference, batch, 1.0 / batch.TargetCount);
            foreach (var parameter in reference) parameter.Gradient.copy_(gradients[parameter.Name]);
            var wantedNorm = optimizer.GradientNorm();
            loss.ShouldBe(wanted, Tolerance(step), $"step {step}");
            norm.ShouldBe(wantedNorm, wantedNorm * 10 * Tolerance(step), $"step {step}");
            optimizer.Step(learningRate, wantedNorm);
        });

        foreach (var (parameter, wanted) in model.Parameters.Zip(reference))
        {
            var (found, expected) = (parameter.Value.data<float>().ToArray(), wanted.Value.data<float>().ToArray());
            for (var i = 0; i < expected.Length; i++) found[i].ShouldBe(expected[i], 1e-3, $"{parameter.Name} [{i}]");
        }
    }

    // The callback runs in each step before the parameters change.
    private static void Train(TrainedModel model, TrainingSettings settings, string variant, Action<int, double, double, double> differentiated)
    {
        using var optimizer = new AdamW(model.Parameters, settings.WeightDecay);
        for (var step = 0; step < settings.Steps; step++)
        {
            var batch = Batch(variant, step);
            var loss = TrainedCheckpoint.Run(model.Train(batch, 1.0 / batch.TargetCount, dropoutSeed: 0), batch.TargetCount);
            var (learningRate, norm) = (LearningRate.At(settings, step), GradientNorm.Of(model.Parameters));
            differentiated(step, learningRate, loss, norm);
            while (optimizer.Advance(learningRate, GradientNorm.Scale(norm, settings.MaxGradientNorm)))
            {
            }

            model.Refresh();
        }
    }

    private static double Tolerance(int step) => step < 10 ? 1e-4 : 1e-3;

    private static JsonElement Expected(string variant) =>
        GoldenData.Json("training", "expected.json").GetProperty("variants").GetProperty(variant);

    private static TrainingBatch Batch(string variant, int step)
    {
        var data = Expected(variant).GetProperty("data");
        return TrainedCheckpoint.Batch([.. Enumerable.Range(0, BatchSize).Select(i => Example(data[((BatchSize * step) + i) % data.GetArrayLength()]))]);
    }

    private static (int[] Prompt, int[] Completion) Example(JsonElement row) =>
        (row.GetProperty("prompt").Deserialize<int[]>()!, row.GetProperty("completion").Deserialize<int[]>()!);

    private static TrainingSettings Settings(string variant)
    {
        var config = GoldenData.Json("training", variant, "start", "adapter_config.json");
        return TrainedCheckpoint.Settings with
        {
            Rank = config.GetProperty("r").GetInt32(),
            Alpha = config.GetProperty("lora_alpha").GetDouble(),
            UseRsLora = config.GetProperty("use_rslora").GetBoolean(),
            UseDora = config.GetProperty("use_dora").GetBoolean(),
            TargetModules = config.GetProperty("target_modules").Deserialize<string[]>()!,
        };
    }

    private static TrainedModel Started(TrainedCheckpoint checkpoint, TrainingSettings settings, string variant)
    {
        var model = new TrainedModel(checkpoint.Config, TrainedCheckpoint.MaxModelLen, checkpoint.Weights, settings);
        using var file = SafetensorsFile.Open(GoldenData.Path("training", variant, "start", "adapter_model.safetensors"));
        file.Entries.Count.ShouldBe(model.Parameters.Count);
        foreach (var parameter in model.Parameters)
        {
            using var start = file.Read(Prefix + parameter.Name);
            parameter.Value.copy_(start);
        }

        model.Refresh();
        return model;
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
