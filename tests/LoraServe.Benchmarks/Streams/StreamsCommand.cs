using System.CommandLine;
using LoraServe.Benchmarks.Merging;
using Spectre.Console;

namespace LoraServe.Benchmarks.Streams;

/// <summary>The command line of the streams benchmark.</summary>
internal static class StreamsCommand
{
    public static Command Create()
    {
        var (model, dtype, threads) = (BenchmarkEngine.ModelOption(), MergingOptions.Dtype(), MergingOptions.Threads());
        var streams = BoundedOption.Create("--streams", "Streams at the same time.", 16, 1, 1024);
        var tokens = BoundedOption.Create("--tokens", "Tokens of each stream.", 128, 1, 4096);
        var rounds = BoundedOption.Create("--rounds", "How often both are measured.", 7, 1, 1000);
        var command = new Command("streams", "Compares streams over HTTP with the same engine driven in the same process.")
        {
            model, dtype, threads, streams, tokens, rounds,
        };
        command.SetAction(async (result, _) =>
        {
            var options = new StreamsOptions(
                BenchmarkEngine.Folder(result, model),
                result.GetValue(dtype)!,
                result.GetValue(threads),
                result.GetValue(streams),
                result.GetValue(tokens),
                result.GetValue(rounds));
            await using var server = await StreamsServer.StartAsync(options);
            Print(await new StreamsBenchmark(server, options).RunAsync());
        });
        return command;
    }

    private static void Print(List<(StreamsBenchmark.Figures Http, StreamsBenchmark.Figures Engine)> rounds)
    {
        var table = new Table().AddColumns("", "tokens/s (median)", "bytes allocated per token (median)");
        Add("over HTTP", rounds.Select(round => round.Http));
        Add("engine alone", rounds.Select(round => round.Engine));
        AnsiConsole.Write(table);
        var ratios = new Distribution(rounds.Select(round => round.Http.TokensPerSecond / round.Engine.TokensPerSecond));
        AnsiConsole.MarkupLineInterpolated(
            $"HTTP / engine: {ratios.Quantile(0.5):F3} (median of {ratios.Count}; {ratios.Quantile(0.01):F3} to {ratios.Quantile(1):F3})");

        void Add(string name, IEnumerable<StreamsBenchmark.Figures> figures)
        {
            var all = figures.ToList();
            table.AddRow(
                name,
                $"{new Distribution(all.Select(one => one.TokensPerSecond)).Quantile(0.5):F0}",
                $"{new Distribution(all.Select(one => one.BytesPerToken)).Quantile(0.5):F0}");
        }
    }
}
