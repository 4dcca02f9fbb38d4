using System.Text.Json;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Training.Saving;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Planning;

public sealed class TrainingPreparationTests(TrainedEngine trained) : IClassFixture<TrainedEngine>
{
    [Fact]
    public void Prepare_NothingGiven_ChoosesAllAndSaysWhy()
    {
        var plan = trained.Trainer.Prepare(trained.Request(TrainedEngine.Lines(100)) with { ValidationSplit = 0.1 });

        var settings = plan.Settings;
        settings.Rank.ShouldBe(8);
        settings.Alpha.ShouldBe(16);
        settings.TargetModules.ShouldBe(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]);
        settings.BatchSize.ShouldBe(8);
        settings.Steps.ShouldBe(10 * 12);
        settings.WarmupSteps.ShouldBe(6);
        settings.LearningRate.ShouldBe(2e-3);
        settings.MicroBatchTokens.ShouldBe(1024);
        settings.EvaluateEvery.ShouldBe(12);
        settings.ExactMatchExamples.ShouldBe(10);
        settings.MaxSequenceLength.ShouldBe(256);
        settings.OutputDtype.ShouldBe("float32");
        plan.Training.Examples.Count.ShouldBe(90);
        plan.Validation!.Examples.Count.ShouldBe(10);
        foreach (var name in (string[])["r 8: ", "alpha 16: ", "target_modules all-linear: ", "batch_size 8: ", "epochs 10: ", "learning_rate 0.002: ",
            "schedule cosine: ", "warmup_steps 6: ", "seed 42: ", "max_sequence_length 256: ", "evaluate_every 12: ", "early_stopping 4: "])
        {
            plan.Choices.ShouldContain(choice => choice.StartsWith(name, StringComparison.Ordinal), name);
        }
    }

    [Fact]
    public void Prepare_EverythingGiven_KeepsItAndChoosesNothing()
    {
        var asked = new Hyperparameters
        {
            Rank = 3,
            Alpha = 2.5,
            Dropout = 0.1,
            UseDora = true,
            TargetModules = ["attention"],
            RankPattern = new Dictionary<string, int> { ["v_proj"] = 5 },
            AlphaPattern = new Dictionary<string, double> { [@"layers\.1\.self_attn\.q_proj"] = 7 },
            Steps = 30,
            BatchSize = 2,
            MicroBatchTokens = 77,
            LearningRate = 1e-3,
            LearningRateMultiplier = 0.5,
            Schedule = LearningRateSchedule.Linear,
            WarmupSteps = 2,
            WeightDecay = 0,
            MaxGradientNorm = 0,
            MaxSequenceLength = 99,
            Recompute = true,
            Seed = 7,
            EvaluateEvery = 5,
            ExactMatchExamples = 1,
            EarlyStopping = 2,
            CheckpointEvery = 9,
            OutputDtype = "bfloat16",
        };

        var plan = trained.Trainer.Prepare(trained.Request(TrainedEngine.Lines(12), asked) with { ValidationSplit = 0.25 });

        plan.Choices.ShouldBeEmpty();
        plan.Settings.TargetModules.ShouldBe(["q_proj", "k_proj", "v_proj", "o_proj"]);
        plan.Settings.LearningRate.ShouldBe(5e-4, 1e-18);
        var (given, chosen) = (Fields(asked), Fields(plan.Settings));
        foreach (var name in chosen.Keys.Except(["TargetModules", "LearningRate"])) chosen[name].ShouldBe(given[name], name);
    }

    [Theory]
    [InlineData("all-linear-r8", 8, "all-linear", false)]
    [InlineData("dora-r4", 4, "all-linear", true)]
    public void Prepare_Settings_CountsTheParametersThatPeftTrains(string golden, int rank, string target, bool dora)
    {
        using var file = SafetensorsFile.Open(GoldenData.Path("adapters", "llama-gqa", golden, "adapter_model.safetensors"));
        var asked = new Hyperparameters { Rank = rank, TargetModules = [target], UseDora = dora };

        var plan = trained.Trainer.Prepare(trained.Request(TrainedEngine.Lines(3), asked));

        plan.TrainedParameters.ShouldBe(file.Entries.Values.Sum(entry => entry.Shape.Aggregate(1L, (product, size) => product * size)));
    }

    [Fact]
    public void Prepare_RankPatterns_CountsTheFirstThatMatches()
    {
        using var file = SafetensorsFile.Open(GoldenData.Path("adapters", "llama-gqa", "rank-and-alpha-pattern", "adapter_model.safetensors"));
        var patterns = new Dictionary<string, int> { ["down_proj"] = 2, [@"layers\.1\.self_attn\.q_proj"] = 6 };

        var plan = trained.Trainer.Prepare(trained.Request(TrainedEngine.Lines(3), new Hyperparameters { Rank = 4, RankPattern = patterns }));

        plan.TrainedParameters.ShouldBe(file.Entries.Values.Sum(entry => entry.Shape.Aggregate(1L, (product, size) => product * size)));
    }

    [Fact]
    public void Prepare_Full_TrainsEveryWeight()
    {
        var plan = trained.Trainer.Prepare(trained.Request(TrainedEngine.Lines(3), new Hyperparameters { Method = TrainingMethod.Full }));

        plan.TrainedParameters.ShouldBe(trained.Engine.Model.Parameters);
        plan.Settings.TargetModules.ShouldBeEmpty();
        plan.Settings.LearningRate.ShouldBe(2e-4, 1e-18);
    }

    [Fact]
    public void Prepare_Split_IsTheSameForTheSameSeedAndTakesEachExampleOnce()
    {
        var request = trained.Request(TrainedEngine.Lines(40), new Hyperparameters { Seed = 3 }) with { ValidationSplit = 0.2 };

        var (first, again) = (trained.Trainer.Prepare(request), trained.Trainer.Prepare(request));
        var other = trained.Trainer.Prepare(request with { Hyperparameters = new Hyperparameters { Seed = 4 } });

        var heldOut = first.Validation!.Examples.Select(example => example.Line).ToList();
        heldOut.Count.ShouldBe(8);
        again.Validation!.Examples.Select(example => example.Line).ShouldBe(heldOut);
        other.Validation!.Examples.Select(example => example.Line).ShouldNotBe(heldOut);
        first.Training.Examples.Select(example => example.Line).Concat(heldOut).Order().ShouldBe(Enumerable.Range(1, 40));
    }

    [Fact]
    public void Prepare_SplitWithoutASeed_IsThatOfTheSeedThatIsChosen()
    {
        var request = trained.Request(TrainedEngine.Lines(40)) with { ValidationSplit = 0.2 };

        var chosen = trained.Trainer.Prepare(request);
        var given = trained.Trainer.Prepare(request with { Hyperparameters = new Hyperparameters { Seed = chosen.Settings.Seed } });

        given.Validation!.Examples.Select(example => example.Line).ShouldBe(chosen.Validation!.Examples.Select(example => example.Line));
    }

    [Fact]
    public void Prepare_ValidationThatIsNone_IsRemarked()
    {
        var request = trained.Request(TrainedEngine.Lines(9));

        trained.Trainer.Prepare(request).Choices.ShouldContain(choice => choice.StartsWith("no validation data"));
        trained.Trainer.Prepare(request with { ValidationFile = request.TrainingFile }).Choices
            .ShouldContain(choice => choice.StartsWith("the validation data is the training data"));
    }

    [Fact]
    public void Prepare_FolderOfAnotherTraining_IsRefusedWithTheDifference()
    {
        var plan = trained.Trainer.Prepare(trained.Request(TrainedEngine.Lines(3), new Hyperparameters { Rank = 4 }));
        var state = TrainerState.Of(plan, trained.Engine);
        using (var optimizer = new LoraServe.Engine.Training.Optimization.AdamW([], 0)) state.Save(new TrainingProgress { Step = 1 }, [], optimizer);

        trained.Trainer.Prepare(plan.Request);
        var fault = Should.Throw<InvalidTrainingException>(
            () => trained.Trainer.Prepare(plan.Request with { Hyperparameters = new Hyperparameters { Rank = 5 } }));

        fault.Faults.ShouldContain("rank: 4 there, 5 here");
        fault.Faults.ShouldContain("alpha: 8 there, 10 here");
    }

    [Theory]
    [InlineData("model")]
    [InlineData("adapter")]
    public void Prepare_FolderWithAResultOfNoKnownTraining_IsRefused(string name)
    {
        var request = trained.Request(TrainedEngine.Lines(3));
        Directory.CreateDirectory(Path.Combine(request.Folder, "checkpoints", "step-1"));
        trained.Trainer.Prepare(request);
        Directory.CreateDirectory(Path.Combine(request.Folder, name));

        Should.Throw<InvalidTrainingException>(() => trained.Trainer.Prepare(request)).Faults.ShouldBe(
            [$"{request.Folder} holds {name}, and no checkpoint of this training: choose another folder, or move away what is there"]);
    }

    [Fact]
    public void Prepare_Cancelled_ReadsNoFurther()
    {
        var request = trained.Request(TrainedEngine.Lines(3));

        Should.Throw<OperationCanceledException>(() => trained.Trainer.Prepare(request, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Prepare_AbsentFile_IsAnIOException() =>
        Should.Throw<IOException>(() => trained.Trainer.Prepare(trained.Request("") with { TrainingFile = "/absent/train.jsonl" }));

    private static Dictionary<string, string> Fields(object value) => JsonSerializer.SerializeToElement(value).EnumerateObject()
        .ToDictionary(field => field.Name, field => field.Value.GetRawText());
}
