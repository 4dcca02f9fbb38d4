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

namespace LoraServe.Benchmarks.Prefixes;

/// <summary>Requests the first token of prompts with a common prefix, one after the other.</summary>
internal static class PrefixBenchmark
{
    private const int OwnTokens = 12;
    private const int Rank = 16;

    /// <summary>Prints the time to the first token and the cached tokens of each kind of request, and the ratio of the first two.</summary>
    public static async Task RunAsync(IAnsiConsole console, EngineOptions options, int sharedTokens, int rounds)
    {
        await using var benchmark = new BenchmarkEngine(options);
        var engine = benchmark.Engine;
        using var adapter = RandomAdapter.Create(ModelConfig.Load(options.Model), "random", Rank, ComputeDtype.Parse(options.Dtype));
        (string Name, LoraAdapter Adapter)[] requests =
        [
            ("base, new prefix", LoraAdapter.Base),
            ("base, shared prefix", LoraAdapter.Base),
            ("adapter, the base's prefix", adapter),
            ("adapter, shared prefix", adapter),
        ];
        var milliseconds = requests.Select(_ => new List<double>()).ToList();
        var cached = new int[requests.Length];
        for (var round = 0; round <= rounds; round++)
        {
            var prefix = Prompt(engine, sharedTokens);
            for (var i = 0; i < requests.Length; i++)
            {
                var start = Stopwatch.GetTimestamp();
                using var stream = engine.Submit(new GenerationRequest
                {
                    Prompt = [.. prefix, .. Prompt(engine, OwnTokens)],
                    Sampling = new SamplingParams { Temperature = 0, MaxTokens = 1, IgnoreEos = true },
                    Adapter = new AdapterLease(requests[i].Adapter, () => { }),
                });
                await stream.Tokens.ReadAsync();
                if (round > 0) milliseconds[i].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds); // the first round warms up
                cached[i] = stream.CachedTokens;
            }
        }

        console.WriteLine(
            $"{engine.Model.Name}, {engine.Model.Dtype}, {options.Threads} threads: {sharedTokens} shared tokens and {OwnTokens} of their own, {rounds} rounds");
        var table = new Table().Border(TableBorder.Markdown).AddColumn("request");
        foreach (var column in (string[])["cached tokens", "first token, median ms", "least ms"])
            table.AddColumn(new TableColumn(column).RightAligned());
        var medians = milliseconds.ConvertAll(samples => new Distribution(samples).Quantile(0.5));
        for (var i = 0; i < requests.Length; i++)
            table.AddRow(requests[i].Name, $"{cached[i]}", $"{medians[i]:F1}", $"{milliseconds[i].Min():F1}");
        console.Write(table);
        console.WriteLine($"The first token comes {medians[0] / medians[1]:F1} times sooner with the shared prefix.");
    }

    private static int[] Prompt(LlmEngine engine, int tokens) =>
        [.. Enumerable.Range(0, tokens).Select(_ => Random.Shared.Next(engine.Model.VocabularySize))];
}
