using System.CommandLine;
using LoraServe.Engine.Generation;
using Spectre.Console;

namespace LoraServe.Benchmarks.Prefixes;

/// <summary>The command line of the prefix cache's benchmark.</summary>
internal static class PrefixCommand
{
    public static Command Create()
    {
        var model = BenchmarkEngine.ModelOption();
        var threads = BoundedOption.Create("--threads", "Threads that compute.", Environment.ProcessorCount, 1, 1024);
        var tokens = BoundedOption.Create("--tokens", "Tokens of the shared prefix.", 400, 16, 1 << 16);
        var rounds = BoundedOption.Create("--rounds", "Rounds, each with a prefix of its own.", 7, 1, 1000);
        var count = BoundedOption.Create(
            "--count", "Random interleavings on a tiny model, to be compared with a run without cache; 0 leaves them out.", 1000, 0, 1_000_000);
        var seed = BoundedOption.Create("--seed", "Decides the interleavings.", 1, 0, int.MaxValue);
        var command = new Command(
            "prefix",
            "Measures the time to the first token of a second request with a shared prefix, and checks that the cache changes no token.")
        {
            model, threads, tokens, rounds, count, seed,
        };
        command.SetAction(async (result, _) =>
        {
            var options = new EngineOptions { Model = BenchmarkEngine.Folder(result, model), Data = "", Threads = result.GetValue(threads) };
            await PrefixBenchmark.RunAsync(AnsiConsole.Console, options, result.GetValue(tokens), result.GetValue(rounds));
            if (result.GetValue(count) > 0)
                await InterleavingBenchmark.RunAsync(AnsiConsole.Console, result.GetValue(count), result.GetValue(seed));
        });
        return command;
    }
}
