using System.Diagnostics;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Training;
using Spectre.Console;

namespace LoraServe.Benchmarks.Training;

/// <summary>Measures requests without a training, a training without requests, and both at once.</summary>
/// <param name="options">The engine, requests and training.</param>
internal sealed class ServingBenchmark(ServingOptions options)
{
    private const int PromptTokens = 32;
    private const int StreamTokens = 160;

    private readonly Random _words = new(1);

    /// <summary>Prints inter-token latency, time to first token, and the speed of the training.</summary>
    public async Task RunAsync(IAnsiConsole console)
    {
        await using var benchmark = new BenchmarkEngine(options.Engine);
        var engine = benchmark.Engine;
        await StreamAsync(engine, TimeSpan.FromSeconds(2));
        var alone = await StreamAsync(engine, options.Duration);
        var job = await TrainAsync(engine, _ => Task.Delay(options.Duration));
        StreamFigures? beside = null;
        var both = await TrainAsync(engine, async _ => beside = await StreamAsync(engine, options.Duration));
        var again = await StreamAsync(engine, options.Duration);

        console.WriteLine(
            $"{engine.Model.Name}, {engine.Model.Dtype}, {options.Engine.Threads} threads: {options.Streams} streams, and a job of r = 8 on all linear modules, "
            + $"steps of {options.Batch} x {options.Length} tokens in passes of at most {options.MicroBatchTokens}, training-share {options.Engine.TrainingShare}");
        var table = new Table().Border(TableBorder.Markdown).AddColumn("");
        foreach (var column in (string[])["inter-token p50", "p95", "p99 in ms", "first token p50", "p95 in ms", "streams' tokens/s", "job's tokens/s", "job's share"])
            table.AddColumn(new TableColumn(column).RightAligned());
        Add("streams alone", alone, null);
        Add("job alone", null, job);
        Add("both", beside, both);
        Add("streams alone again", again, null);
        console.Write(table);

        void Add(string name, StreamFigures? streams, JobFigures? training) => table.AddRow(
            name,
            Quantile(streams?.Gaps, 0.5),
            Quantile(streams?.Gaps, 0.95),
            Quantile(streams?.Gaps, 0.99),
            Quantile(streams?.FirstTokens, 0.5),
            Quantile(streams?.FirstTokens, 0.95),
            streams is null ? "" : $"{streams.TokensPerSecond:F0}",
            training is null ? "" : $"{training.TokensPerSecond:F0}",
            training is null ? "" : $"{training.Share:P0}");
    }

    private static string Quantile(Distribution? values, double part) => values is null ? "" : $"{values.Quantile(part):F1}";

    // Counts from the end of the first step to the end of the last one.
    private async Task<JobFigures> TrainAsync(LlmEngine engine, Func<LlmEngine, Task> meanwhile)
    {
        var folder = Directory.CreateTempSubdirectory("loraserve-training-").FullName;
        try
        {
            using var over = new CancellationTokenSource();
            var steps = new StepTimes();
            var plan = RandomTraining.Plan(engine, folder, options.Length, options.Batch, options.MicroBatchTokens);
            var run = new LoraTrainer(engine).RunAsync(plan, steps, over.Token);
            await Task.WhenAny(run, steps.First);
            await meanwhile(engine);
            var figures = steps.Figures();
            await over.CancelAsync();
            try
            {
                await run;
            }
            catch (OperationCanceledException)
            {
            }

            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<StreamFigures> StreamAsync(LlmEngine engine, TimeSpan duration)
    {
        using var over = new CancellationTokenSource(duration);
        var (gaps, firsts, tokens) = (new List<double>(), new List<double>(), 0);
        await Task.WhenAll(Enumerable.Range(0, options.Streams).Select(_ => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                var last = Stopwatch.GetTimestamp();
                var isFirst = true;
                using var stream = Submit(engine);
                while (!over.IsCancellationRequested && await stream.Tokens.WaitToReadAsync(CancellationToken.None))
                {
                    while (stream.Tokens.TryRead(out var _))
                    {
                        var now = Stopwatch.GetTimestamp();
                        lock (gaps)
                        {
                            (isFirst ? firsts : gaps).Add(Stopwatch.GetElapsedTime(last, now).TotalMilliseconds);
                            tokens++;
                        }

                        (last, isFirst) = (now, false);
                    }
                }
            }
        })));
        return new StreamFigures(new Distribution(gaps), new Distribution(firsts), tokens / duration.TotalSeconds);
    }

    private TokenStream Submit(LlmEngine engine)
    {
        lock (_words)
        {
            return engine.Submit(new GenerationRequest
            {
                Prompt = [.. Enumerable.Range(0, PromptTokens).Select(_ => _words.Next(engine.Model.VocabularySize))],
                Sampling = new SamplingParams { Temperature = 0, MaxTokens = StreamTokens, IgnoreEos = true },
                Adapter = AdapterLease.Base(),
            });
        }
    }

    private sealed record StreamFigures(Distribution Gaps, Distribution FirstTokens, double TokensPerSecond);
}
