using System.Diagnostics.Metrics;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Tests.Sequences;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

/// <summary>What a step of the engine allocates beside the model's forward pass, which a stub stands in for.</summary>
public sealed class StepGarbageTests : IDisposable
{
    private const int Steps = 400;
    private const int BlockSize = 16;

    private readonly SmallModel _small = new();
    private readonly AdapterCache _cache = new(new AdapterCacheLimits { Bytes = 1000 }, TimeProvider.System, new AdapterMetrics(new AdapterLabels(1)));
    private readonly MergeService _merging;
    private readonly Meter _meter = new("test", version: null, tags: null, scope: new object());
    private readonly MeterListener _listener = new();
    private readonly EngineMetrics _metrics = new(NullLogger.Instance);

    public StepGarbageTests()
    {
        // The clock stands still: four times a second there is a new snapshot, which is no matter of a step.
        _merging = new MergeService(_small.Weights, budget: 1000, _cache, new ManualTimers(), new MergeMetrics(), NullLogger.Instance);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((_, _, _, _) => { });
        _listener.SetMeasurementEventCallback<long>((_, _, _, _) => { });
        _listener.SetMeasurementEventCallback<double>((_, _, _, _) => { });
        _listener.Start();
        _metrics.Publish(_meter, new AdapterLabels(2));
    }

    public static TheoryData<SamplingParams> Settings() => new(
        new SamplingParams { Temperature = 0 },
        new SamplingParams { Temperature = 0.8f, TopK = 20, TopP = 0.9f, MinP = 0.01f, Seed = 1 },
        new SamplingParams
        {
            RepetitionPenalty = 1.1f,
            PresencePenalty = 0.5f,
            FrequencyPenalty = 0.5f,
            MinTokens = 4000,
            StopTokenIds = [7, 9],
            Seed = 1,
        },
        new SamplingParams { LogitBias = new Dictionary<int, float> { [3] = 2, [5] = -1 }, Seed = 1 });

    public void Dispose()
    {
        _listener.Dispose();
        _meter.Dispose();
        _merging.Dispose();
        _cache.Dispose();
        _small.Dispose();
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void Step_DecodesOfSeveralAdapters_AllocateNothing(SamplingParams sampling)
    {
        var scheduler = new Scheduler(16, 64, new KvBlockPool(4096, BlockSize), maxLoras: 2);
        var all = Enumerable.Range(0, 8).Select(id => Submit(scheduler, id, sampling)).ToList();

        Garbage(scheduler, all).ShouldBe(0);
    }

    [Fact]
    public void Step_PlacesTaken_AllocatesNothingForThoseThatWait()
    {
        var scheduler = new Scheduler(4, 64, new KvBlockPool(4096, BlockSize));
        var all = Enumerable.Range(0, 12).Select(id => Submit(scheduler, id, new SamplingParams { Temperature = 0 })).ToList();

        Garbage(scheduler, all).ShouldBe(0);
    }

    [Fact]
    public void Step_LongPrompts_AllocateNothing()
    {
        var scheduler = new Scheduler(4, 8, new KvBlockPool(4096, BlockSize), cachesPrefixes: false);
        var all = Enumerable.Range(0, 4).Select(id => SubmittedSequence.OfLength(8000, 1, id, $"adapter-{id}")).ToList();
        foreach (var submitted in all) scheduler.Add(submitted.Sequence);

        Garbage(scheduler, all).ShouldBe(0);
    }

    [Fact]
    public void Step_PromptLogprobs_TakeLogitsInSlicesAndKeepOnlyTheAnswer()
    {
        const int Prompt = 600, RowsOfSlice = 3, Top = 5, MostBytesOfPosition = 300;
        var scheduler = new Scheduler(1, 512, new KvBlockPool(4096, BlockSize));
        using var model = new StubModel(_small.Model.Config, _small.Weights);
        var logits = new ModelRunner(model, BlockSize, RowsOfSlice * sizeof(float) * _small.Vocabulary);
        var runner = new StepRunner(logits, new Sampler(_small.Vocabulary), _merging, _metrics, NullLogger.Instance);

        Evaluate(1);
        Evaluate(2).ShouldBeLessThan(Prompt * MostBytesOfPosition);

        model.MostLogits.ShouldBe(RowsOfSlice * _small.Vocabulary);

        long Evaluate(int id)
        {
            var submitted = new SubmittedSequence([.. Enumerable.Repeat(7, Prompt)], new SamplingParams { MaxTokens = 1, PromptLogprobs = Top }, id);
            scheduler.Add(submitted.Sequence);
            var before = GC.GetAllocatedBytesForCurrentThread();
            while (scheduler.HasWork)
            {
                var batch = scheduler.Schedule();
                scheduler.Complete(batch, runner.Run(batch));
            }

            submitted.PromptLogprobs.IsCompletedSuccessfully.ShouldBeTrue();
            submitted.Sequence.PromptLength.ShouldBe(Prompt);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private static SubmittedSequence Submit(Scheduler scheduler, int id, SamplingParams sampling)
    {
        var adapter = id % 4;
        var submitted = new SubmittedSequence(
            [.. Enumerable.Repeat(10 + id, 20)],
            sampling with { MaxTokens = 4000, IgnoreEos = true },
            id,
            adapter == 0 ? "base" : $"adapter-{adapter}",
            name: $"adapter-{adapter}");
        scheduler.Add(submitted.Sequence);
        return submitted;
    }

    // Bytes of steps once lists have their size. A step that fills a block enters it into the index of prefixes, which grows until all blocks
    // have been used: those steps are left out.
    private long Garbage(Scheduler scheduler, List<SubmittedSequence> submitted)
    {
        using var model = new StubModel(_small.Model.Config, _small.Weights);
        var runner = new StepRunner(new ModelRunner(model, BlockSize), new Sampler(_small.Vocabulary), _merging, _metrics, NullLogger.Instance);
        long garbage = 0;
        for (var step = 0; step < 2 * Steps; step++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var batch = scheduler.Schedule();
            scheduler.Complete(batch, runner.Run(batch));
            _merging.Advance();
            var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            batch.Rows.Count.ShouldBeGreaterThan(0);
            if (step >= Steps && batch.Rows.All(row => (row.Start + row.Count) % BlockSize != 0)) garbage += bytes;
            foreach (var one in submitted) one.Read();
        }

        return garbage;
    }

    /// <summary>Gives logits that depend on the place of a token alone. Disposing it frees the small model's weights.</summary>
    private sealed class StubModel(ModelConfig config, BaseWeights weights) : BaseModel(config, weights)
    {
        public override string Description => "stub";

        /// <summary>The most logits that were asked for at once.</summary>
        public int MostLogits { get; private set; }

        public override void Forward(ForwardBatch batch)
        {
        }

        public override void Logits(int first, Span<float> logits)
        {
            MostLogits = Math.Max(MostLogits, logits.Length);
            for (var i = 0; i < logits.Length; i++) logits[i] = (i * 7919 % 101) / 10f;
        }
    }
}
