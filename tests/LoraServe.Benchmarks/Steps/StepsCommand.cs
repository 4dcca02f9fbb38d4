using System.CommandLine;
using LoraServe.Engine.Models;
using Spectre.Console;

namespace LoraServe.Benchmarks.Steps;

/// <summary>The command line of the step benchmark.</summary>
internal static class StepsCommand
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
            Description = "Compute types, one after the other.",
            DefaultValueFactory = _ => ["bfloat16", "float32"],
            AllowMultipleArgumentsPerToken = true,
        };
        dtypes.AcceptOnlyFromAmong("bfloat16", "float32");
        var onTorch = new Option<bool>("--libtorch") { Description = "Computes by libtorch instead of what the server would choose." };
        var threads = BoundedOption.Create("--threads", "Threads that compute.", Environment.ProcessorCount, 1, 1024);
        var rank = BoundedOption.Create("--rank", "Rank of the random adapters, which act on every linear module of the layers.", 16, 1, 4096);
        var context = BoundedOption.Create("--context", "Tokens before the one that a decode row computes.", 128, 1, 1 << 16);
        var seconds = BoundedOption.Create("--seconds", "Seconds of measuring for each compute type; at least three rounds are made.", 40, 1, 3600);
        var command = new Command(
            "steps",
            "Measures one step of the engine: 1, 8 and 16 decode rows on the base, on one adapter and on four, and a prefill of 512 tokens.")
        {
            model, dtypes, onTorch, threads, rank, context, seconds,
        };
        command.SetAction(result =>
        {
            var folder = result.GetValue(model)?.FullName ?? Environment.GetEnvironmentVariable(ModelVariable)
                ?? throw new BenchmarkException($"Name the folder of a checkpoint with --model or in {ModelVariable}.");
            var options = new StepOptions(
                folder,
                result.GetValue(onTorch),
                result.GetValue(threads),
                result.GetValue(rank),
                result.GetValue(context),
                TimeSpan.FromSeconds(result.GetValue(seconds)));
            foreach (var dtype in result.GetValue(dtypes)!)
                StepReport.Print(AnsiConsole.Console, dtype, options, StepBenchmark.Run(options, ComputeDtype.Parse(dtype)));
        });
        return command;
    }
}
