using System.Diagnostics;
using LoraServe.Benchmarks.Steps;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using Spectre.Console;

namespace LoraServe.Benchmarks.Fairness;

/// <summary>One adapter at full load, and another with one request per second.</summary>
internal static class StarvationBenchmark
{
    private const int Rank = 16;
    private const int HotPrompt = 64;
    private const int HotTokens = 96;
    private const int RarePrompt = 32;
    private const int RareTokens = 8;

    // Prompts are random: with common prefixes, the prefix cache would reduce the load.
    private static readonly Random Words = new(1);

    /// <summary>Prints the rare requests' time to first token, and the batch time.</summary>
    public static async Task RunAsync(IAnsiConsole console, EngineOptions options, TimeSpan duration)
    {
        await using var benchmark = new BenchmarkEngine(options);
        var engine = benchmark.Engine;
        var (config, dtype) = (ModelConfig.Load(options.Model), ComputeDtype.Parse(options.Dtype));
        using var hot = RandomAdapter.Create(config, "hot", Rank, dtype);
        using var rare = RandomAdapter.Create(config, "rare", Rank, dtype);
        using var over = new CancellationTokenSource();
        var ticks = Enumerable.Range(0, 2 * options.MaxNumSeqs).Select(_ => new List<long>()).ToList();
        var load = ticks.ConvertAll(times => Task.Run(() => LoadAsync(engine, hot, times, over.Token)));
        await Task.Delay(TimeSpan.FromSeconds(2));

        var asked = new List<Task<(long Start, long End)>>();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < duration)
        {
            await timer.WaitForNextTickAsync();
            asked.Add(Task.Run(() => AskAsync(engine, rare), CancellationToken.None));
        }

        var waits = await Task.WhenAll(asked);
        await over.CancelAsync();
        await Task.WhenAll(load);
        Report(console, engine, options, ticks, waits);
    }

    private static void Report(
        IAnsiConsole console, LlmEngine engine, EngineOptions options, List<List<long>> ticks, (long Start, long End)[] waits)
    {
        // A sequence gets one token per batch, so the gap between two tokens is the batch time. The longest gaps are exceptions: between two
        // sequences, or in one that was preempted.
        var batches = new Distribution(ticks.SelectMany(times => times.Zip(times.Skip(1), Milliseconds)));
        var milliseconds = new Distribution(waits.Select(wait => Milliseconds(wait.Start, wait.End)));
        // A token read shortly after the start may come from a batch that ended before it.
        var slack = (long)(batches.Quantile(0.5) / 4 / 1000 * Stopwatch.Frequency);
        var most = waits.Max(wait => ticks.Max(times => times.Count(time => time > wait.Start + slack && time <= wait.End)));
        console.WriteLine(
            $"{engine.Model.Name}, {engine.Model.Dtype}, {options.Threads} threads, {options.MaxNumSeqs} places: {ticks.Count} hot sequences all the time, "
            + $"{waits.Length} rare requests, {engine.Status.Preemptions} preemptions");
        var table = new Table().Border(TableBorder.Markdown).AddColumn("time in ms");
        foreach (var column in (string[])["median", "p95", "most"]) table.AddColumn(new TableColumn(column).RightAligned());
        Add("rare request's first token", milliseconds, $"{milliseconds.Quantile(1):F1}");
        Add("a batch (hot sequence's next token)", batches, "");
        console.Write(table);
        console.WriteLine($"Batches that ended while a rare request waited, its own included: {most} at most (expected at most 2).");

        void Add(string name, Distribution values, string longest) =>
            table.AddRow(name, $"{values.Quantile(0.5):F1}", $"{values.Quantile(0.95):F1}", longest);
    }

    private static async Task LoadAsync(LlmEngine engine, LoraAdapter adapter, List<long> times, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            using var stream = Submit(engine, adapter, HotPrompt, HotTokens);
            while (!over.IsCancellationRequested && await stream.Tokens.WaitToReadAsync(CancellationToken.None))
            {
                while (stream.Tokens.TryRead(out var _)) times.Add(Stopwatch.GetTimestamp());
            }
        }
    }

    private static async Task<(long Start, long End)> AskAsync(LlmEngine engine, LoraAdapter adapter)
    {
        var start = Stopwatch.GetTimestamp();
        using var stream = Submit(engine, adapter, RarePrompt, RareTokens);
        await stream.Tokens.ReadAsync();
        var end = Stopwatch.GetTimestamp();
        await foreach (var _ in stream.Tokens.ReadAllAsync())
        {
        }

        return (start, end);
    }

    private static TokenStream Submit(LlmEngine engine, LoraAdapter adapter, int prompt, int tokens)
    {
        lock (Words)
        {
            return engine.Submit(new GenerationRequest
            {
                Prompt = [.. Enumerable.Range(0, prompt).Select(_ => Words.Next(engine.Model.VocabularySize))],
                Sampling = new SamplingParams { Temperature = 0, MaxTokens = tokens, IgnoreEos = true },
                Adapter = new AdapterLease(adapter, () => { }),
            });
        }
    }

    private static double Milliseconds(long start, long end) => Stopwatch.GetElapsedTime(start, end).TotalMilliseconds;
}
