using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Runs;
using LoraServe.Tests;
using LoraServe.Text.Tokenizers;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Runs;

public sealed class EngineEvaluationTests : IAsyncLifetime
{
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
    public async Task EvaluateAsync_Base_EqualsTheForwardPassOfTraining()
    {
        var plan = TinyTraining.Plan(_engine, _folder.Path);

        var evaluation = await Evaluate(AdapterLease.Base(), plan);

        // B is 0 before the first step.
        var expected = await Loss(plan, change: 0);
        evaluation.Figures.Loss.ShouldBe(expected.Mean, 1e-4);
        evaluation.Figures.TokenAccuracy.ShouldBe(expected.Accuracy);
        evaluation.Figures.Examples.ShouldBe(8);
        evaluation.Figures.GeneratedExamples.ShouldBe(3);
        evaluation.Examples.Select(example => example.Line).ShouldBe(Enumerable.Range(1, 8));
        evaluation.Examples.Count(example => example.Output is not null).ShouldBe(3);
    }

    [Fact]
    public async Task EvaluateAsync_RotationThatDependsOnTheContext_EqualsTheForwardPassOfTraining()
    {
        await _engine.DisposeAsync();
        _engine = TinyTraining.Engine(
            _folder.File("dynamic"),
            TinyTraining.Options with { Model = GoldenData.Path("checkpoints", "llama-dynamic-rope"), MaxModelLen = 256 });
        var plan = TinyTraining.Plan(_engine, _folder.Path);

        var evaluation = await Evaluate(AdapterLease.Base(), plan);

        evaluation.Figures.Loss.ShouldBe((await Loss(plan, change: 0)).Mean, 1e-5);
    }

    [Fact]
    public async Task EvaluateAsync_Snapshot_EqualsTheForwardPassOfTraining()
    {
        var plan = TinyTraining.Plan(_engine, _folder.Path);
        var expected = await Loss(plan, change: 0.05f);
        var adapter = await _engine.InvokeAsync(() =>
        {
            using var model = Changed(plan, 0.05f);
            return model.Snapshot(new AdapterVersionId("snapshot"));
        });
        using var lease = new AdapterLease(adapter, adapter.Dispose);

        var evaluation = await Evaluate(lease, plan);

        evaluation.Figures.Loss.ShouldBe(expected.Mean, 1e-4);
        Math.Abs(expected.Mean - (await Loss(plan, change: 0)).Mean).ShouldBeGreaterThan(0.01);
    }

    [Fact]
    public async Task EvaluateAsync_Generated_IsWhatTheEngineGenerates()
    {
        var plan = TinyTraining.Plan(_engine, _folder.Path);
        var told = new List<int>();

        var evaluation = await new LoraTrainer(_engine).EvaluateAsync(
            AdapterLease.Base(), plan.Training, generate: 2, new Told(result => told.Add(result.Line)), CancellationToken.None);

        told.Order().ShouldBe(Enumerable.Range(1, 8));
        var example = plan.Training.Examples[1];
        using var stream = _engine.Submit(new GenerationRequest
        {
            Prompt = example.Prompt,
            Sampling = new SamplingParams { Temperature = 0, MaxTokens = 3 },
            Adapter = AdapterLease.Base(),
        });
        var tokens = await stream.Tokens.ReadAllAsync().Select(token => token.TokenId).ToListAsync();
        var text = new IncrementalDetokenizer(_engine.Tokenizer, true, [.. example.Prompt]);
        evaluation.Examples[1].Output.ShouldNotBeNull().ShouldStartWith(string.Concat(tokens.Select(text.Append)));
        evaluation.Examples[1].IsExactMatch.ShouldBe(false);
    }

    [Fact]
    public async Task EvaluateAsync_AdapterWhoseLogitsAreNoNumbers_SaysSo()
    {
        using var broken = new LoraAdapter(new AdapterVersionId("broken"), new Dictionary<string, LinearUpdate>
        {
            ["model.layers.0.self_attn.q_proj"] = new LowRankUpdate(torch.full([2, 64], 1e30f), torch.full([64, 2], 1e30f)),
        });
        using var lease = new AdapterLease(broken, () => { });

        await Should.ThrowAsync<GenerationFailedException>(() => Evaluate(lease, TinyTraining.Plan(_engine, _folder.Path)));
    }

    [Fact]
    public async Task EvaluateAsync_QueueThatIsFull_WaitsForRoom()
    {
        await using var small = TinyTraining.Engine(
            _folder.File("small"), TinyTraining.Options with { MaxNumSeqs = 1, MaxQueuedSeqs = 1 });

        var evaluation = await new LoraTrainer(small).EvaluateAsync(
            AdapterLease.Base(), TinyTraining.Plan(small, _folder.Path).Training, generate: 8, progress: null, CancellationToken.None);

        evaluation.Figures.GeneratedExamples.ShouldBe(8);
    }

    private Task<Evaluation> Evaluate(AdapterLease lease, TrainingPlan plan) =>
        new LoraTrainer(_engine).EvaluateAsync(lease, plan.Training, generate: 3, progress: null, CancellationToken.None);

    private Task<TargetLoss> Loss(TrainingPlan plan, float change) => _engine.InvokeAsync(() =>
    {
        using var model = Changed(plan, change);
        var loss = new TargetLoss(0, 0, 0);
        foreach (var batch in TrainingBatches.Passes(plan.Training.Examples, 64))
        {
            using var pass = model.Evaluate(batch);
            while (pass.Advance())
            {
            }

            loss += new TargetLoss(pass.LossSum, pass.Correct, batch.TargetCount);
        }

        return loss;
    });

    private TrainedModel Changed(TrainingPlan plan, float change)
    {
        var model = new TrainedModel(_engine.BaseModel.Config, _engine.Model.MaxModelLen, _engine.BaseModel.Weights, plan.Settings);
        using var generator = new torch.Generator(5);
        foreach (var parameter in model.Parameters.Where(parameter => parameter.Name.Contains("lora_B")))
        {
            using var noise = torch.randn(parameter.Value.shape, generator: generator);
            using var scale = torch.tensor(change);
            using var scaled = noise.mul(scale);
            parameter.Value.copy_(scaled);
        }

        model.Refresh();
        return model;
    }

    private sealed class Told(Action<ExampleResult> tell) : IProgress<ExampleResult>
    {
        public void Report(ExampleResult value) => tell(value);
    }
}
