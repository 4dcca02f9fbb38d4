using System.CommandLine;
using LoraServe.Engine.Generation;
using Spectre.Console;

namespace LoraServe.Benchmarks.Fairness;

/// <summary>The command line of the fairness benchmark.</summary>
internal static class StarvationCommand
{
    public static Command Create()
    {
        var model = BenchmarkEngine.ModelOption();
        var threads = BoundedOption.Create("--threads", "Threads that compute.", Environment.ProcessorCount, 1, 1024);
        var places = BoundedOption.Create("--max-num-seqs", "Most sequences that run at the same time.", 16, 2, 4096);
        var seconds = BoundedOption.Create("--seconds", "How long, with one rare request in each.", 20, 1, 3600);
        var command = new Command(
            "starvation",
            "Keeps one adapter at full load, twice as many sequences as may run, and measures how long another one's request waits each second.")
        {
            model, threads, places, seconds,
        };
        command.SetAction(async (result, _) =>
        {
            var options = new EngineOptions
            {
                Model = BenchmarkEngine.Folder(result, model),
                Data = "",
                Threads = result.GetValue(threads),
                MaxNumSeqs = result.GetValue(places),
            };
            await StarvationBenchmark.RunAsync(AnsiConsole.Console, options, TimeSpan.FromSeconds(result.GetValue(seconds)));
        });
        return command;
    }
}
