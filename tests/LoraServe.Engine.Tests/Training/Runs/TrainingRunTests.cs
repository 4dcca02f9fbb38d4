using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Runs;

public sealed class TrainingRunTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly TemporaryFolder _folder = new();
    private LlmEngine _engine = null!;

    public ValueTask InitializeAsync()
    {
        _engine = TinyTraining.Engine(_folder.File("data"));
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task RunAsync_EightExamples_LearnsThemByHeart()
    {
        var settings = TinyTraining.Settings with { Steps = 120, BatchSize = 8, ExactMatchExamples = 5, EvaluateEvery = 40, CheckpointEvery = 100 };
        var events = new EventList();

        var result = await RunAsync("run", events, settings);

        result.TrainingLoss.ShouldBeLessThan(0.01);
        result.Validation.ShouldNotBeNull().ExactMatch.ShouldBe(1);
        result.Validation.Loss.ShouldBeLessThan(0.01);
        result.Folder.ShouldBe(Path.Combine(_folder.File("run"), "adapter"));
        events.Steps.Select(step => step.Step).ShouldBe(Enumerable.Range(1, 120));
        events.Steps[0].Loss.ShouldBeGreaterThan(4);
        events.Steps[^1].TokenAccuracy.ShouldBe(1);
        events.Steps.ShouldAllBe(step => step.Elapsed > TimeSpan.Zero && step.Tokens > 0 && step.GradientNorm > 0);
        (await _engine.ComputeChecksumAsync()).ShouldBe(_engine.Model.Checksum);
    }

    [Fact]
    public async Task RunAsync_Result_ServesAtOnceAsItWasEvaluated()
    {
        var settings = TinyTraining.Settings with { Steps = 120, BatchSize = 8, ExactMatchExamples = 5, EvaluateEvery = 40 };
        var result = await RunAsync("run", new EventList(), settings);
        using var upload = _engine.Adapters.BeginUpload();
        foreach (var path in Directory.GetFiles(result.Folder))
        {
            await using var file = File.OpenRead(path);
            await upload.ReadFileAsync(Path.GetFileName(path), file, CancellationToken.None);
        }

        await _engine.Adapters.AddAsync("trained", upload, new AddOptions(), CancellationToken.None);
        using var lease = await _engine.Adapters.AcquireAsync("trained", CancellationToken.None);
        var plan = TinyTraining.Plan(_engine, _folder.File("run"), settings);
        var evaluation = await new LoraTrainer(_engine).EvaluateAsync(lease, plan.Validation!, generate: 5, progress: null, CancellationToken.None);

        evaluation.Figures.ExactMatch.ShouldBe(1);
        evaluation.Figures.Loss.ShouldBe(result.Validation!.Loss, 1e-4);
        evaluation.Figures.TokenAccuracy.ShouldBe(result.Validation.TokenAccuracy);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task RunAsync_CancelledAtAnyMoment_EndsWithTheBitsOfAnUndisturbedRun(int seed)
    {
        var settings = TinyTraining.Settings with { Dropout = 0.1 };
        var undisturbed = new EventList();
        var expected = await RunAsync("undisturbed", undisturbed, settings);
        var random = new Random(seed);
        var seen = new List<StepMade>();

        TrainingResult? result = null;
        for (var attempt = 0; result is null; attempt++)
        {
            using var cancelled = new CancellationTokenSource();
            var left = random.Next(1, 6);
            // The first attempt is cancelled at the event itself, so that it cannot finish; later ones at it or up to 2 ms later.
            var delay = attempt == 0 ? 0 : random.Next(4);
            var events = new EventList
            {
                Told = told =>
                {
                    if (told is Note || --left != 0) return;
                    if (delay == 0) cancelled.Cancel();
                    else cancelled.CancelAfter(delay - 1);
                },
            };
            try
            {
                result = await RunAsync("disturbed", events, settings, cancelled.Token);
                attempt.ShouldBeGreaterThan(0);
            }
            catch (OperationCanceledException)
            {
            }

            seen.AddRange(events.Steps);
        }

        Bits(result.Folder).ShouldBe(Bits(expected.Folder));
        (result with { Folder = "", Elapsed = default }).ShouldBe(expected with { Folder = "", Elapsed = default });
        // Cancelling loses nothing: each step was done exactly once.
        seen.Select(step => (step.Step, step.Loss)).ShouldBe(undisturbed.Steps.Select(step => (step.Step, step.Loss)));
    }

    [Fact]
    public async Task RunAsync_TwoAtOnce_RunOneAfterTheOther()
    {
        var trainer = new LoraTrainer(_engine);
        var order = new List<string>();

        await Task.WhenAll(new[] { "a", "b" }.Select(name => trainer.RunAsync(
            TinyTraining.Plan(_engine, _folder.File(name)),
            new EventList { Told = told => { if (told is StepMade) lock (order) order.Add(name); } },
            CancellationToken.None))).WaitAsync(Patience);

        string.Concat(order).ShouldBe(new string('a', 12) + new string('b', 12));
    }

    [Fact]
    public async Task RunAsync_FolderOfAnotherTraining_SaysWhatIsDifferent()
    {
        await RunAsync("run", new EventList(), TinyTraining.Settings with { Steps = 3 });

        var error = await Should.ThrowAsync<InvalidTrainingException>(
            () => RunAsync("run", new EventList(), TinyTraining.Settings with { Steps = 3, Rank = 4 }));

        error.Message.ShouldContain("rank: 8 there, 4 here");
    }

    [Fact]
    public async Task RunAsync_LearningRateOfAThousand_FailsWithWhatToChange()
    {
        var settings = TinyTraining.Settings with { LearningRate = 1e18, MaxGradientNorm = 0, Steps = 50 };

        var error = await Should.ThrowAsync<TrainingFailedException>(() => RunAsync("run", new EventList(), settings));

        error.Message.ShouldContain("diverged");
        error.Message.ShouldContain("lower learning rate");
    }

    [Fact]
    public async Task RunAsync_FolderThatCannotBeWritten_FailsWithTheReason()
    {
        await File.WriteAllTextAsync(_folder.File("file"), "not a folder");

        var error = await Should.ThrowAsync<TrainingFailedException>(() => RunAsync("file/run", new EventList()));

        error.Message.ShouldContain("cannot be written");
        error.Message.ShouldContain("start the training again");
    }

    [Fact]
    public async Task RunAsync_NoBetterEvaluation_StopsEarlyWithTheBest()
    {
        // The validation loss grows, since the training examples differ from the validation examples.
        var plan = TinyTraining.Plan(_engine, _folder.File("run"), TinyTraining.Settings with
        {
            Steps = 60,
            EvaluateEvery = 5,
            EarlyStopping = 2,
            ExactMatchExamples = 0,
            LearningRate = 0.03,
        });
        plan = plan with
        {
            Training = plan.Training with { Examples = [.. plan.Training.Examples.Skip(6)] },
            Validation = plan.Validation! with { Examples = [.. plan.Validation.Examples.Take(3)] },
        };
        var events = new EventList();

        var result = await new LoraTrainer(_engine).RunAsync(plan, events, CancellationToken.None);

        var evaluated = events.All.OfType<Evaluated>().ToList();
        var best = evaluated.MinBy(one => one.Figures.Loss)!;
        result.Steps.ShouldBeLessThan(60);
        result.BestStep.ShouldBe(best.Step);
        result.Validation.ShouldBe(best.Figures);
        evaluated[^1].Step.ShouldBe(best.Step + 10);
        events.All.OfType<Note>().ShouldContain(note => note.Text.StartsWith("Stops early"));
        Bits(result.Folder).ShouldBe(Bits(Path.Combine(_folder.File("run"), "checkpoints", $"step-{best.Step}")));
    }

    [Fact]
    public async Task RunAsync_ManyCheckpoints_KeepsTheBestAndTheLastTen()
    {
        var settings = TinyTraining.Settings with { Steps = 15, CheckpointEvery = 1, EvaluateEvery = 20, ExactMatchExamples = 0 };

        await RunAsync("run", new EventList(), settings);

        Directory.GetDirectories(Path.Combine(_folder.File("run"), "checkpoints")).Select(Path.GetFileName)
            .ShouldBe(Enumerable.Range(6, 10).Select(step => $"step-{step}"), ignoreOrder: true);
    }

    [Fact]
    public async Task RunAsync_EndedWithoutCheckpointAndResult_WritesBothAgain()
    {
        var expected = Bits((await RunAsync("run", new EventList())).Folder);
        Directory.Delete(Path.Combine(_folder.File("run"), "checkpoints"), recursive: true);
        Directory.Delete(Path.Combine(_folder.File("run"), "adapter"), recursive: true);

        var result = await RunAsync("run", new EventList());

        result.Steps.ShouldBe(12);
        Bits(result.Folder).ShouldBe(expected);
    }

    [Fact]
    public async Task RunAsync_EngineThatIsStopped_EndsWithACheckpoint()
    {
        var engine = TinyTraining.Engine(_folder.File("data2"));
        // Stops between two updates: an interrupted update leaves nothing worth saving.
        var events = new EventList { Told = told => { if (told is StepMade { Step: 4 }) engine.DisposeAsync().AsTask().Wait(Patience); } };
        var plan = TinyTraining.Plan(engine, _folder.File("run"), TinyTraining.Settings with { Steps = 100_000, EvaluateEvery = 100_000 });

        await Should.ThrowAsync<EngineOverloadedException>(() => new LoraTrainer(engine).RunAsync(plan, events, CancellationToken.None).WaitAsync(Patience));

        events.All[^1].ShouldBeOfType<CheckpointSaved>().Step.ShouldBe(4);
    }

    [Fact]
    public async Task RunAsync_CancelledWhileRequestsLeaveNoTime_EndsAtOnce()
    {
        await using var engine = TinyTraining.Engine(_folder.File("data2"), TinyTraining.Options with { TrainingShare = 0 });
        using var cancelled = new CancellationTokenSource();
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var events = new EventList { Told = told => { if (told is StepMade { Step: 2 }) reached.TrySetResult(); } };
        var plan = TinyTraining.Plan(engine, _folder.File("run"), TinyTraining.Settings with { Steps = 100_000, EvaluateEvery = 100_000 });
        var run = new LoraTrainer(engine).RunAsync(plan, events, cancelled.Token);
        await reached.Task.WaitAsync(Patience);
        using var over = new CancellationTokenSource();
        var load = LoadAsync(engine, over.Token);
        await Task.Delay(100);

        await cancelled.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => run.WaitAsync(Patience));
        events.All[^1].ShouldBeOfType<CheckpointSaved>();
        await over.CancelAsync();
        await load;
    }

    [Fact]
    public async Task RunAsync_FullTraining_WritesACheckpointThatServes()
    {
        var settings = TinyTraining.Settings with
        {
            Method = TrainingMethod.Full,
            Steps = 60,
            BatchSize = 8,
            ExactMatchExamples = 5,
            EvaluateEvery = 30,
            CheckpointEvery = 10,
            LearningRate = 0.003,
        };

        var result = await RunAsync("run", new EventList(), settings);

        result.Folder.ShouldBe(Path.Combine(_folder.File("run"), "model"));
        result.Validation.ShouldNotBeNull().ExactMatch.ShouldBe(1);
        Directory.GetDirectories(Path.Combine(_folder.File("run"), "checkpoints")).Length.ShouldBeLessThanOrEqualTo(2);
        await using var trained = TinyTraining.Engine(_folder.File("data2"), TinyTraining.Options with { Model = result.Folder });
        var plan = TinyTraining.Plan(trained, _folder.File("run"), settings);
        var evaluation = await new LoraTrainer(trained).EvaluateAsync(
            AdapterLease.Base(), plan.Validation!, generate: 5, progress: null, CancellationToken.None);
        evaluation.Figures.ExactMatch.ShouldBe(1);
        evaluation.Figures.Loss.ShouldBe(result.Validation.Loss, 1e-4);
        (await _engine.ComputeChecksumAsync()).ShouldBe(_engine.Model.Checksum);
    }

    private static async Task LoadAsync(LlmEngine engine, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            using var stream = engine.Submit(new GenerationRequest
            {
                Prompt = [1, 5, 9],
                Sampling = new SamplingParams { Temperature = 0, MaxTokens = 200, IgnoreEos = true },
                Adapter = AdapterLease.Base(),
            });
            await foreach (var _ in stream.Tokens.ReadAllAsync(CancellationToken.None))
            {
                if (over.IsCancellationRequested) break;
            }
        }
    }

    private static byte[] Bits(string folder) => File.ReadAllBytes(Path.Combine(folder, "adapter_model.safetensors"));

    private Task<TrainingResult> RunAsync(
        string name, EventList events, TrainingSettings? settings = null, CancellationToken cancellationToken = default) =>
        new LoraTrainer(_engine).RunAsync(
            TinyTraining.Plan(_engine, _folder.File(name), settings), events, cancellationToken).WaitAsync(Patience, CancellationToken.None);
}
