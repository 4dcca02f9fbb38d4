using System.CommandLine;
using LoraServe.Engine.Generation;
using Spectre.Console;

namespace LoraServe.Benchmarks.Training;

/// <summary>The command line of the benchmark of serving while training.</summary>
internal static class ServingCommand
{
    public static Command Create()
    {
        var model = BenchmarkEngine.ModelOption();
        var threads = BoundedOption.Create("--threads", "Threads that compute.", Environment.ProcessorCount, 1, 1024);
        var streams = BoundedOption.Create("--streams", "Requests that are answered all the time.", 8, 1, 1024);
        var share = BoundedOption.Create("--training-share", "Percent of the time that the job may take while requests wait.", 20, 0, 100);
        var length = BoundedOption.Create("--length", "Tokens of an example.", 128, 2, 4096);
        var batch = BoundedOption.Create("--batch", "Examples of a step.", 8, 1, 1024);
        var passes = BoundedOption.Create("--micro-batch-tokens", "Most tokens of a pass.", 256, 2, 65_536);
        var seconds = BoundedOption.Create("--seconds", "Of each of the four measurements.", 20, 2, 3600);
        var command = new Command(
            "training-serving",
            "Measures steady streams without a training job, the job without streams, and both at once: how long a token waits for the next, and how "
            + "fast the job is.")
        {
            model, threads, streams, share, length, batch, passes, seconds,
        };
        command.SetAction((result, _) => new ServingBenchmark(new ServingOptions(
            new EngineOptions
            {
                Model = BenchmarkEngine.Folder(result, model),
                Data = "",
                Threads = result.GetValue(threads),
                TrainingShare = result.GetValue(share) / 100.0,
            },
            result.GetValue(streams),
            result.GetValue(length),
            result.GetValue(batch),
            result.GetValue(passes),
            TimeSpan.FromSeconds(result.GetValue(seconds)))).RunAsync(AnsiConsole.Console));
        return command;
    }
}
