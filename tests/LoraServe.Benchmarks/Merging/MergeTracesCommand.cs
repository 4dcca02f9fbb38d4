using System.CommandLine;
using System.Runtime.CompilerServices;
using LoraServe.Engine;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Models;
using Spectre.Console;

namespace LoraServe.Benchmarks.Merging;

/// <summary>The command that compares automatic merging with always and never merging, on three traces.</summary>
internal static class MergeTracesCommand
{
    // The merge controller and the caches need some requests before they adapt.
    private const int WarmupRounds = 2;

    private static readonly MergeMode[] Modes = [MergeMode.Auto, MergeMode.Merged, MergeMode.Unmerged];

    // Each mode runs equally often before and after each other one: background work left by one mode briefly disturbs the next.
    private static readonly int[][] Orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

    public static Command Create()
    {
        var (model, dtype, threads) = (MergingOptions.Model(), MergingOptions.Dtype(), MergingOptions.Threads());
        var rank = BoundedOption.Create("--rank", "Rank of the 16 random adapters, which act on every linear module of the layers.", 16, 1, 4096);
        var rounds = BoundedOption.Create("--rounds", "Rounds, in each of which every mode plays the same requests, after two that do not count.", 6, 1, 1000);
        var requests = BoundedOption.Create("--requests", "Requests of a round for each client.", 2, 1, 1000);
        var tokens = BoundedOption.Create("--tokens", "Tokens of each request.", 48, 1, 4096);
        var slots = BoundedOption.Create("--slots", "Merged adapters that fit into the budget.", 2, 1, 16);
        var command = new Command(
            "merge-traces", "Plays traces with one adapter hot, two alternating and sixteen at random: auto, always merged and always unmerged.")
        {
            model, dtype, threads, rank, rounds, requests, tokens, slots,
        };
        command.SetAction(async (result, _) =>
        {
            RuntimeHelpers.RunModuleConstructor(typeof(NativeLibraries).Module.ModuleHandle);
            NativeLibraries.Load();
            var folder = MergingOptions.Folder(result, model);
            using var adapters = RandomPeftFolder.Create(ModelConfig.Load(folder), MergeTrace.Adapters, result.GetValue(rank));
            var options = new EngineOptions
            {
                Model = folder,
                Adapters = adapters.Path,
                Data = adapters.Data,
                Dtype = result.GetValue(dtype)!,
                Threads = result.GetValue(threads),
                MaxModelLen = 1024,
                MergedBytes = adapters.MergedBytes(ComputeDtype.Parse(result.GetValue(dtype)!)) * result.GetValue(slots),
            };
            await RunAsync(options, result.GetValue(rounds), result.GetValue(requests), result.GetValue(tokens));
        });
        return command;
    }

    private static double Median(IEnumerable<double> values) => new Distribution(values).Quantile(0.5);

    private static async Task RunAsync(EngineOptions options, int rounds, int requests, int tokens)
    {
        var engines = Modes.Select(mode => new TraceEngine(options with { Data = Path.Combine(options.Data, mode.ToString()) }, mode)).ToList();
        var table = new Table().Border(TableBorder.Markdown);
        table.AddColumn("trace");
        foreach (var column in (string[])["auto tokens/s", "merged tokens/s", "unmerged tokens/s", "auto/better, paired"])
            table.AddColumn(new TableColumn(column).RightAligned());
        var explanations = new List<string>();
        foreach (var trace in MergeTrace.All)
        {
            var count = requests * trace.Clients;
            var speeds = Modes.Select(_ => new List<double>()).ToList();
            for (var round = -WarmupRounds; round < rounds; round++)
            {
                foreach (var i in Orders[(WarmupRounds + round) % Orders.Length])
                {
                    var seconds = await engines[i].PlayAsync(trace, (WarmupRounds + round) * count, count, tokens);
                    if (round >= 0) speeds[i].Add(count * tokens / seconds);
                }
            }

            // Paired by round: longer disturbances affect all modes of a round, since they run in close succession.
            var ratios = speeds[0].Select((auto, round) => auto / Math.Max(speeds[1][round], speeds[2][round]));
            table.AddRow([trace.Name, .. speeds.Select(values => $"{Median(values):F1}"), $"{Median(ratios):F3}"]);
            explanations.Add($"{trace.Name}: {await engines[0].ExplainAsync(trace)}");
            Console.WriteLine($"{trace.Name}: auto/better {Median(ratios):F3}");
            foreach (var engine in engines) await engine.ResetAsync();
        }

        AnsiConsole.Console.Write(table);
        foreach (var explanation in explanations) Console.WriteLine(explanation);
        foreach (var engine in engines) await engine.DisposeAsync();
    }
}
