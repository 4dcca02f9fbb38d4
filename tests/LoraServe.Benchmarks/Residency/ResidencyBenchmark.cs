using System.Collections.Concurrent;
using System.Diagnostics;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;

namespace LoraServe.Benchmarks.Residency;

/// <summary>Registers many adapters, and serves requests for all of them with memory for a few.</summary>
internal sealed class ResidencyBenchmark(ResidencyOptions options, string root)
{
    private const string Rank16 = "rank-16";
    private const int Seed = 7;
    private const int StepTokens = 24;
    private const int Loads = 5;
    private const int MaxRank = 64;

    private readonly ConcurrentBag<string> _failures = [];

    public async Task<ResidencyResult> RunAsync()
    {
        Engine.NativeLibraries.Load();
        torch.set_num_threads(options.Threads);
        var modules = ModelConfig.Load(options.Model).Modules("base");
        var adapterBytes = Small(modules).Sum(linear => linear.InFeatures + linear.OutFeatures) * (options.Dtype == "float32" ? 4L : 2L);
        var trace = ZipfTrace.Create(options.Adapters, options.Requests, Seed);

        TimeSpan registering, serving, step;
        AdapterCacheStatus cache;
        int differences;
        string fingerprint;
        await using (var engine = LlmEngine.Load(EngineOptions(options.Resident * adapterBytes), progress: null, NullLoggerFactory.Instance))
        {
            registering = await TimeAsync(() => RegisterAsync(engine.Adapters, modules));
            string[] answers = [];
            serving = await TimeAsync(async () => answers = await ServeAsync(engine, trace));
            cache = engine.Adapters.CacheStatus;
            differences = await CompareAsync(engine, trace, answers);
            step = await TimeAsync(() => GenerateAsync(engine, AdapterLease.Base(), 1, StepTokens)) / StepTokens;
            fingerprint = engine.Model.Fingerprint;
        }

        var (startUp, load) = await RestartAsync(modules, fingerprint);
        return new ResidencyResult
        {
            Registering = registering,
            Serving = serving,
            Failures = [.. _failures],
            Cache = cache,
            IdealHitRate = ZipfTrace.IdealHitRate(trace, options.Resident),
            Differences = differences,
            StartUp = startUp,
            LoadOfRank16 = load,
            DecodeStep = step,
        };
    }

    private EngineOptions EngineOptions(long cacheBytes) => new()
    {
        Model = options.Model,
        ServedModelName = "base",
        Data = Path.Combine(root, "data"),
        Dtype = options.Dtype,
        Threads = options.Threads,
        MaxModelLen = 64,
        MaxNumSeqs = options.Concurrency,
        MaxLoraRank = MaxRank,
        KvCacheMemory = 256,
        AdapterCacheBytes = cacheBytes,
    };

    private static IEnumerable<LinearModule> Small(ModelModules modules) =>
        modules.Linears.Where(linear => linear.Path.EndsWith("q_proj", StringComparison.Ordinal) || linear.Path.EndsWith("v_proj", StringComparison.Ordinal));

    private async Task RegisterAsync(AdapterManager adapters, ModelModules modules)
    {
        for (var i = 0; i < options.Adapters; i++) await AddAsync(adapters, Name(i), Small(modules), rank: 1, seed: i);
        await AddAsync(adapters, Rank16, modules.Linears.Where(linear => linear.Path != modules.Head), rank: 16, seed: options.Adapters);
    }

    private async Task AddAsync(AdapterManager adapters, string name, IEnumerable<LinearModule> linears, int rank, int seed)
    {
        var folder = Path.Combine(root, "upload");
        GeneratedAdapter.Write(folder, linears, rank, seed);
        using var upload = adapters.BeginUpload();
        foreach (var path in Directory.GetFiles(folder))
        {
            await using var file = File.OpenRead(path);
            await upload.ReadFileAsync(Path.GetFileName(path), file, CancellationToken.None);
        }

        await adapters.AddAsync(name, upload, new AddOptions(), CancellationToken.None);
        Directory.Delete(folder, recursive: true);
    }

    private async Task<string[]> ServeAsync(LlmEngine engine, int[] trace)
    {
        var answers = new string[trace.Length];
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, options.Concurrency).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < trace.Length;) answers[i] = await AnswerAsync(engine, trace[i]);
        })));
        return answers;
    }

    private async Task<string> AnswerAsync(LlmEngine engine, int adapter)
    {
        try
        {
            var lease = await engine.Adapters.AcquireAsync(Name(adapter), CancellationToken.None);
            return await GenerateAsync(engine, lease, adapter, options.Tokens);
        }
        catch (Exception e)
        {
            _failures.Add($"{Name(adapter)}: {e.Message}");
            return "";
        }
    }

    private async Task<int> CompareAsync(LlmEngine engine, int[] trace, string[] answers)
    {
        var random = new Random(Seed);
        var differences = 0;
        for (var i = 0; i < options.Samples; i++)
        {
            var request = random.Next(trace.Length);
            if (await AnswerAsync(engine, trace[request]) != answers[request]) differences++;
        }

        return differences;
    }

    private static async Task<string> GenerateAsync(LlmEngine engine, AdapterLease lease, int adapter, int tokens)
    {
        var sampling = new SamplingParams { Temperature = 0, MaxTokens = tokens, IgnoreEos = true };
        using var stream = engine.Submit(new GenerationRequest { Prompt = [1, 100 + adapter, 42], Sampling = sampling, Adapter = lease });
        return string.Join(' ', await stream.Tokens.ReadAllAsync().Select(token => token.TokenId).ToListAsync());
    }

    // Opening the store anew each time leaves the rank-16 adapter on disk.
    private async Task<(TimeSpan StartUp, TimeSpan Load)> RestartAsync(ModelModules modules, string fingerprint)
    {
        var (startUps, loads) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var i = 0; i < Loads; i++)
        {
            var clock = Stopwatch.StartNew();
            using var adapters = AdapterManager.Open(
                new AdapterBase
                {
                    Modules = modules,
                    Fingerprint = fingerprint,
                    Dtype = ComputeDtype.Parse(options.Dtype),
                    Device = torch.CPU,
                    Tensor = name => throw new InvalidOperationException($"Nothing needs '{name}': all updates are low-rank."),
                },
                new AdapterOptions { DataFolder = Path.Combine(root, "data"), MaxRank = MaxRank, CacheBytes = 1L << 30 },
                TimeProvider.System,
                new Random(Seed),
                NullLogger<AdapterManager>.Instance);
            startUps.Add(clock.Elapsed);
            if (adapters.List().Count != options.Adapters + 1) throw new BenchmarkException("Adapters are missing after the restart.");
            loads.Add(await TimeAsync(async () => (await adapters.AcquireAsync(Rank16, CancellationToken.None)).Dispose()));
        }

        return (Median(startUps), Median(loads));
    }

    private static TimeSpan Median(IEnumerable<TimeSpan> times) => times.Order().ElementAt(Loads / 2);

    private static async Task<TimeSpan> TimeAsync(Func<Task> action)
    {
        var clock = Stopwatch.StartNew();
        await action();
        return clock.Elapsed;
    }

    private static string Name(int index) => $"adapter-{index}";
}
