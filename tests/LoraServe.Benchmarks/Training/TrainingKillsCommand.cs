using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using Spectre.Console;

namespace LoraServe.Benchmarks.Training;

/// <summary>The command line of the trial with killed trainings.</summary>
internal static class TrainingKillsCommand
{
    private const string WorkerName = "training-kills-worker";

    public static Command Create()
    {
        var count = BoundedOption.Create("--count", "Number of kills.", 20, 1, 10_000);
        var seed = BoundedOption.Create("--seed", "Decides the moments.", 1, 0, int.MaxValue);
        var command = new Command(
            "training-kills",
            "Kills a training (as kill -9 does) at random moments and starts it again, until it has ended: its steps and its adapter must be those "
            + "of an undisturbed training to the last bit.")
        {
            count, seed,
        };
        command.SetAction((result, _) => RunAsync(result.GetValue(count), result.GetValue(seed)));
        return command;
    }

    /// <summary>The hidden command of the processes that are killed.</summary>
    public static Command CreateWorker()
    {
        var root = new Argument<string>("root");
        var run = new Argument<string>("run");
        var command = new Command(WorkerName) { root, run };
        command.Hidden = true;
        command.SetAction((result, _) => TrainingKillWorker.RunAsync(Model(), result.GetValue(root)!, result.GetValue(run)!));
        return command;
    }

    private static async Task RunAsync(int count, int seed)
    {
        var root = Directory.CreateTempSubdirectory("loraserve-training-kills-").FullName;
        try
        {
            var trial = new TrainingKillTrial(root, run => Worker(root, run));
            var clock = Stopwatch.StartNew();
            await trial.RunAsync(count, seed);
            AnsiConsole.WriteLine(
                $"{trial.Kills} kills in {trial.Trainings} trainings and {clock.Elapsed.TotalSeconds:F0} s: every adapter is that of an undisturbed training "
                + $"to the last bit, and so are loss and gradient norm of {trial.ComparedSteps} steps.");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static string Model() => Path.Combine(
        typeof(TrainingKillsCommand).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "GoldenFolder").Value!,
        "checkpoints",
        "llama-gqa");

    private static ProcessStartInfo Worker(string root, string run) =>
        new(Environment.ProcessPath!, [.. SelfArguments(), WorkerName, root, run]) { UseShellExecute = false };

    // Under "dotnet X.dll" the process is dotnet itself.
    private static string[] SelfArguments() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(TrainingKillsCommand).Assembly.Location] : [];
}
