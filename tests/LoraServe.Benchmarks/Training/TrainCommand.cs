using System.CommandLine;
using LoraServe.Engine.Models;
using Spectre.Console;

namespace LoraServe.Benchmarks.Training;

/// <summary>The command line of the training benchmark.</summary>
internal static class TrainCommand
{
    private const string ModelVariable = "LORASERVE_MODEL";

    public static Command Create()
    {
        var model = new Option<DirectoryInfo?>("--model")
        {
            Description = $"Folder of a checkpoint. Default: what {ModelVariable} names.",
            HelpName = "DIR",
        };
        var dtypes = new Option<string[]>("--dtypes")
        {
            Description = "Types of the base, one after the other.",
            DefaultValueFactory = _ => ["bfloat16", "float32"],
            AllowMultipleArgumentsPerToken = true,
        };
        dtypes.AcceptOnlyFromAmong("bfloat16", "float32");
        var threads = BoundedOption.Create("--threads", "Threads that compute.", Environment.ProcessorCount, 1, 1024);
        var rank = BoundedOption.Create("--rank", "r, on every linear module of the layers.", 8, 1, 4096);
        var examples = BoundedOption.Create("--examples", "Examples of a step.", 8, 1, 4096);
        var length = BoundedOption.Create("--length", "Tokens of each example.", 128, 2, 1 << 16);
        var steps = BoundedOption.Create("--steps", "Steps that are measured, after one that is not.", 3, 1, 10_000);
        var quick = new Option<bool>("--quick") { Description = "Only targets on all positions, without recomputing." };
        var command = new Command(
            "train", "Measures steps of training, the optimiser included: with and without recomputing, with targets everywhere and on half.")
        {
            model, dtypes, threads, rank, examples, length, steps, quick,
        };
        command.SetAction(result =>
        {
            var folder = result.GetValue(model)?.FullName ?? Environment.GetEnvironmentVariable(ModelVariable)
                ?? throw new BenchmarkException($"Name the folder of a checkpoint with --model or in {ModelVariable}.");
            var options = new TrainOptions(
                folder, result.GetValue(threads), result.GetValue(rank), result.GetValue(examples), result.GetValue(length), result.GetValue(steps));
            TrainCase[] cases = result.GetValue(quick) ? [new(false, false)] : [new(false, false), new(true, false), new(false, true), new(true, true)];
            foreach (var dtype in result.GetValue(dtypes)!)
                Print(AnsiConsole.Console, dtype, options, [.. TrainBenchmark.Run(options, ComputeDtype.Parse(dtype), cases)]);
        });
        return command;
    }

    private static void Print(IAnsiConsole console, string dtype, TrainOptions options, IReadOnlyList<TrainResult> results)
    {
        console.WriteLine(
            $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(options.Model))}, {dtype} base, {options.Threads} threads, "
            + $"r = {options.Rank} on all linear modules, {options.Examples} x {options.Length} tokens, {options.Steps} steps");
        var table = new Table().Border(TableBorder.Markdown);
        foreach (var column in (string[])["targets", "recompute"]) table.AddColumn(column);
        foreach (var column in (string[])["median s", "cpu s", "tokens/s", "best tokens/s", "training MB", "process MB", "loss"])
            table.AddColumn(new TableColumn(column).RightAligned());
        var tokens = options.Examples * options.Length;
        foreach (var result in results)
        {
            var (median, least) = (result.Seconds.Quantile(0.5), result.Seconds.Quantile(1.0 / result.Seconds.Count));
            table.AddRow(
                result.Case.HalfOfTargets ? "half" : "all", result.Case.Recompute ? "yes" : "no", $"{median:F2}", $"{result.ProcessorSeconds.Quantile(0.5):F2}", $"{tokens / median:F0}",
                $"{tokens / least:F0}", $"{result.Counted / 1e6:F0}", $"{result.Resident / 1e6:F0}", $"{result.Loss:F4}");
        }

        console.Write(table);
    }
}
