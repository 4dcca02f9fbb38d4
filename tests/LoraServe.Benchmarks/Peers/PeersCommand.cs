using System.CommandLine;
using System.Globalization;
using System.Runtime.Intrinsics.X86;
using LoraServe.Benchmarks.Steps;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels.Products;
using Spectre.Console;
using TorchSharp;

namespace LoraServe.Benchmarks.Peers;

/// <summary>The command line of the comparison with LLamaSharp.</summary>
internal static class PeersCommand
{
    private const int Prompt = 16;
    private const int Steps = 48;
    private const int LongPrompt = 512;
    private const double Median = 0.5;
    private const double Least = 1e-9;

    private static readonly (string Name, PeerCase Case)[] Shared =
    [
        ("decode, 1 request", new("decode", 1, 0, Prompt, Steps)),
        ("decode, 1 request, adapter", new("decode", 1, 1, Prompt, Steps)),
        ("decode, 8 requests", new("decode", 8, 0, Prompt, Steps)),
        ("decode, 8 requests, 1 adapter", new("decode", 8, 1, Prompt, Steps)),
        ("decode, 8 requests, 4 adapters", new("decode", 8, PeerOptions.MostLlamaAdapters, Prompt, Steps)),
        ("prefill of 512 tokens", new("prefill", 1, 0, LongPrompt, 0)),
        ("prefill of 512 tokens, adapter", new("prefill", 1, 1, LongPrompt, 0)),
    ];

    private static readonly (string Name, PeerCase Case, PeerCase Against)[] Own =
    [
        ("8 different adapters / 8 base rows, time", new("decode", 8, 0, Prompt, Steps), new("decode", 8, 8, Prompt, Steps)),
        ("prefill: adapter / base, time", new("prefill", 1, 0, LongPrompt, 0), new("prefill", 1, 1, LongPrompt, 0)),
        .. new[] { 1, 2, 4, 8, 16, 32 }.Select(adapters => (
            string.Create(CultureInfo.InvariantCulture, $"32 rows on {adapters} adapters / on the base, time"),
            new PeerCase("decode", 32, 0, Prompt, Steps / 2),
            new PeerCase("decode", 32, adapters, Prompt, Steps / 2))),
    ];

    public static Command Create()
    {
        var model = BenchmarkEngine.ModelOption();
        var gguf = new Option<FileInfo>("--gguf") { Description = "The same weights as a GGUF file.", HelpName = "FILE", Required = true }.AcceptExistingOnly();
        var dtype = new Option<string>("--dtype") { Description = "The compute type of LoraServe.", DefaultValueFactory = _ => "bfloat16" };
        dtype.AcceptOnlyFromAmong("bfloat16", "float32");
        var threads = BoundedOption.Create("--threads", "Threads of each engine.", Environment.ProcessorCount, 1, 1024);
        var rounds = BoundedOption.Create("--rounds", "Pairs of measurements of each row.", 7, 1, 1000);
        var command = new Command("peers", "Compares forward passes with those of LLamaSharp (llama.cpp) on the same weights, one after the other in pairs.")
        {
            model, gguf, dtype, threads, rounds,
        };
        command.SetAction(result => Run(
            BenchmarkEngine.Folder(result, model), result.GetValue(gguf)!.FullName, result.GetValue(dtype)!, result.GetValue(threads), result.GetValue(rounds)));
        return command;
    }

    public static Command CreateWorker()
    {
        var arguments = new Argument<string[]>("arguments");
        var command = new Command("peer", "One of the engines that peers compares.") { arguments };
        command.Hidden = true;
        command.SetAction(result =>
        {
            var values = result.GetValue(arguments)!;
            PeerProcess.Serve(values[0], new PeerOptions(values[1], values[2], values[3], values[4], int.Parse(values[5], CultureInfo.InvariantCulture)));
        });
        return command;
    }

    private static void Run(string model, string gguf, string dtype, int threads, int rounds)
    {
        var adapters = Directory.CreateTempSubdirectory("loraserve-peers");
        try
        {
            var config = ModelConfig.Load(model);
            for (var i = 0; i < PeerOptions.MostLlamaAdapters; i++)
            {
                using var adapter = RandomAdapter.Create(config, $"random {i}", PeerOptions.Rank, torch.ScalarType.Float32);
                LoraGguf.Write(Path.Combine(adapters.FullName, $"{i}.gguf"), adapter, config);
            }

            Run(new PeerOptions(model, gguf, adapters.FullName, dtype, threads), rounds);
        }
        finally
        {
            adapters.Delete(recursive: true);
        }
    }

    private static void Run(PeerOptions options, int rounds)
    {
        AnsiConsole.WriteLine(
            $"{Path.GetFileName(options.Model)}, {options.Dtype}, {options.Threads} threads, adapters of rank {PeerOptions.Rank} on all linear modules, {rounds} pairs, {Flags()}");
        using var ours = new PeerProcess("ours", options);
        using var llama = new PeerProcess("llama", options);
        var table = new Table().MarkdownBorder().AddColumns("figure", "LoraServe tokens/s", "LLamaSharp tokens/s", "ratio", "least", "most");
        var single = 0.0;
        foreach (var (name, one) in Shared)
        {
            var pairs = Pairs(rounds, () => ours.Measure(one), () => llama.Measure(one));
            if (single == 0) single = new Distribution(pairs.Select(pair => pair.Ours)).Quantile(Median);
            Row(table, name, pairs, pair => pair.Ours / pair.Other);
        }

        foreach (var (name, one, against) in Own) Row(table, name, Pairs(rounds, () => ours.Measure(one), () => ours.Measure(against)), pair => pair.Ours / pair.Other);
        AnsiConsole.Write(table);
        var bandwidth = ReadBandwidth.Measure(options.Threads);
        var bytes = new FileInfo(options.Gguf).Length;
        AnsiConsole.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"memory is read at {bandwidth / 1e9:F1} GB/s; decoding 1 request reads weights at {single * bytes / 1e9:F1} GB/s: {single * bytes / bandwidth:F2} of it"));
    }

    private static List<(double Ours, double Other)> Pairs(int rounds, Func<double> ours, Func<double> other)
    {
        // The first of each compiles, loads and fills caches.
        ours();
        other();
        return [.. Enumerable.Range(0, rounds).Select(round => round % 2 == 0 ? (ours(), other()) : Swap((other(), ours())))];

        static (double, double) Swap((double First, double Second) pair) => (pair.Second, pair.First);
    }

    private static void Row(Table table, string name, List<(double Ours, double Other)> pairs, Func<(double Ours, double Other), double> ratio)
    {
        var ratios = new Distribution(pairs.Select(ratio));
        var speeds = new[] { pairs.Select(pair => pair.Ours), pairs.Select(pair => pair.Other) }.Select(side => new Distribution(side).Quantile(Median));
        table.AddRow([
            name,
            .. speeds.Select(value => value.ToString("F0", CultureInfo.InvariantCulture)),
            .. new[] { Median, Least, 1 }.Select(part => ratios.Quantile(part).ToString("F2", CultureInfo.InvariantCulture)),
        ]);
    }

    private static string Flags() => string.Join(
        ' ',
        new[] { ("avx2", Avx2.IsSupported), ("fma", Fma.IsSupported), ("avx512f", Avx512F.IsSupported), ("avx512_bf16", DotProduct.IsSupported) }
            .Where(flag => flag.Item2).Select(flag => flag.Item1).DefaultIfEmpty("no vector extensions"));
}
