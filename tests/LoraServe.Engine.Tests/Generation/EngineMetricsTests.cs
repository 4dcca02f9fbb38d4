using System.Diagnostics.Metrics;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

/// <summary>What the engine publishes, counted by a listener of the test's own.</summary>
public sealed class EngineMetricsTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("loraserve-test-").FullName;
    private readonly Dictionary<string, double> _sums = [];
    private readonly Meter _meter = new("test", version: null, tags: null, scope: new object());
    private readonly MeterListener _listener = new();

    public EngineMetricsTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Add(instrument, value));
        _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument, value));
        _listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Add(instrument, value));
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _meter.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task Publish_PreemptedSequences_CountsEveryPromptAndTokenOnce()
    {
        await using var engine = Load(maxNumSeqs: 2, merged: 0);
        engine.Publish(_meter);
        // Both places are the base's when the adapter comes, so that it gets one of them.
        var streams = new List<TokenStream>();
        var hold = await EngineHold.TakeAsync(engine);
        for (var i = 0; i < 4; i++) streams.Add(await SubmitAsync(engine, "base", promptLength: 20 + i, maxTokens: 150));
        while (!(streams[0].Tokens.TryPeek(out _) && streams[1].Tokens.TryPeek(out _))) hold = await hold.StepAsync(engine);
        for (var i = 4; i < 6; i++) streams.Add(await SubmitAsync(engine, "attention-r4", promptLength: 20 + i, maxTokens: 150));
        hold.Dispose();
        foreach (var stream in streams)
        {
            await foreach (var _ in stream.Tokens.ReadAllAsync())
            {
            }
        }

        Sum("vllm.prompt_tokens").ShouldBe((6 * 20) + 15);
        Sum("vllm.generation_tokens").ShouldBe(6 * 150);
        engine.Status.Preemptions.ShouldBeGreaterThan(0);
        streams.Sum(stream => stream.Times.Preemptions).ShouldBe((int)engine.Status.Preemptions);
        foreach (var times in streams.Select(stream => stream.Times))
        {
            times.Admitted!.Value.ShouldBeLessThanOrEqualTo(times.FirstToken!.Value);
            times.FirstToken.Value.ShouldBeLessThanOrEqualTo(times.Ended!.Value);
        }
    }

    [Fact]
    public async Task Publish_ListenerThatThrows_FailsNoSequence()
    {
        await using var engine = Load(maxNumSeqs: 2, merged: 0);
        using var broken = new MeterListener();
        broken.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter && instrument.Name == "vllm.iteration_tokens_total") listener.EnableMeasurementEvents(instrument);
        };
        broken.SetMeasurementEventCallback<int>((_, _, _, _) => throw new InvalidOperationException("Nobody counts."));
        broken.Start();
        engine.Publish(_meter);

        var stream = await SubmitAsync(engine, "base", promptLength: 4, maxTokens: 3);

        (await stream.Tokens.ReadAllAsync().CountAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task Publish_WarmedUpEngine_HasLookedForNoPrefixes()
    {
        await using var engine = Load(maxNumSeqs: 2, merged: 0);
        engine.Publish(_meter);

        _listener.RecordObservableInstruments();

        engine.Status.PrefixCacheQueries.ShouldBeGreaterThan(0);
        Sum("vllm.prefix_cache_queries").ShouldBe(0);
    }

    [Fact]
    public async Task ResidentNames_AdaptersInMemory_AreTheLastUsedFirst()
    {
        await using var engine = Load(maxNumSeqs: 2, merged: 0);
        foreach (var name in new[] { "attention-r4", "rank-1", "attention-r4", "attention-r4:0.5,rank-1:0.5" })
        {
            using (await engine.Adapters.AcquireAsync(name, CancellationToken.None))
            {
            }
        }

        engine.Adapters.ResidentNames().Loaded.Where(name => !name.Contains(':')).ShouldBe(["rank-1", "attention-r4"], ignoreOrder: true);
        using (await engine.Adapters.AcquireAsync("rank-1", CancellationToken.None))
        {
        }

        engine.Adapters.ResidentNames().Loaded[0].ShouldBe("rank-1");
        engine.Adapters.ResidentNames().Loading.ShouldBeEmpty();
    }

    [Fact]
    public async Task Publish_MergeAndUnmerge_CountsBothAndTheLoad()
    {
        await using var engine = Load(maxNumSeqs: 2, merged: 1 << 22);
        engine.Publish(_meter);
        using (var lease = await engine.Adapters.AcquireAsync("attention-r4", CancellationToken.None))
        {
            await engine.MergeAsync(lease, CancellationToken.None);
            await engine.UnmergeAsync(lease.Version);
        }

        using (await engine.Adapters.AcquireAsync("attention-r4", CancellationToken.None))
        {
        }

        Sum("loraserve.adapter.merges").ShouldBe(1);
        Sum("loraserve.adapter.unmerges").ShouldBe(1);
        Sum("loraserve.adapter.loads").ShouldBe(1);
        Sum("loraserve.adapter.cache.misses").ShouldBe(1);
        Sum("loraserve.adapter.cache.hits").ShouldBe(1);
    }

    [Fact]
    public async Task Publish_AdaptersThatDoNotFitTogether_CountsEvictions()
    {
        long bytes;
        await using (var roomy = Load(maxNumSeqs: 2, merged: 0))
        {
            var largest = roomy.Adapters.Find("all-linear-r8")!;
            bytes = largest.LoadedBytes + largest.LoadingBytes;
        }

        await using var engine = Load(maxNumSeqs: 2, merged: 0, cacheBytes: bytes);
        engine.Publish(_meter);
        foreach (var name in new[] { "attention-r4", "all-linear-r8", "attention-r4", "all-linear-r8" })
        {
            using (await engine.Adapters.AcquireAsync(name, CancellationToken.None))
            {
            }
        }

        Sum("loraserve.adapter.evictions").ShouldBe(engine.Adapters.CacheStatus.Evictions);
        Sum("loraserve.adapter.loads").ShouldBe(engine.Adapters.CacheStatus.Loads);
        Sum("loraserve.adapter.evictions").ShouldBeGreaterThan(0);
    }

    private void Add(Instrument instrument, double value)
    {
        lock (_sums) _sums[instrument.Name] = _sums.GetValueOrDefault(instrument.Name) + value;
    }

    private double Sum(string name)
    {
        lock (_sums) return _sums.GetValueOrDefault(name);
    }

    private static async Task<TokenStream> SubmitAsync(LlmEngine engine, string adapter, int promptLength, int maxTokens) => engine.Submit(new GenerationRequest
    {
        Prompt = [.. Enumerable.Range(3, promptLength)],
        Sampling = new SamplingParams { Temperature = 0, MaxTokens = maxTokens, IgnoreEos = true },
        Adapter = adapter == "base" ? AdapterLease.Base() : await engine.Adapters.AcquireAsync(adapter, CancellationToken.None),
    });

    private LlmEngine Load(int maxNumSeqs, long merged, long cacheBytes = 1 << 24)
    {
        var adapters = Path.Combine(_data, "adapters");
        foreach (var name in new[] { "attention-r4", "rank-1", "all-linear-r8" })
        {
            var folder = Directory.CreateDirectory(Path.Combine(adapters, name)).FullName;
            foreach (var file in Directory.GetFiles(GoldenData.Path("adapters", "llama-gqa", name))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        }

        return LlmEngine.Load(
            new EngineOptions
            {
                Model = GoldenData.Path("checkpoints", "llama-gqa"),
                Adapters = adapters,
                Data = Path.Combine(_data, "data"),
                Dtype = "float32",
                Threads = 1,
                MaxNumSeqs = maxNumSeqs,
                MaxNumBatchedTokens = 16,
                MaxModelLen = 256,
                KvCacheMemory = 8,
                MergedBytes = merged,
                AdapterCacheBytes = cacheBytes,
            },
            progress: null,
            NullLoggerFactory.Instance);
    }
}
