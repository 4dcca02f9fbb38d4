using System.CommandLine;
using System.Diagnostics;
using Spectre.Console;

namespace LoraServe.Benchmarks.Kills;

/// <summary>The command line of the trial with kills.</summary>
internal static class KillsCommand
{
    private const string WorkerName = "kills-worker";

    public static Command Create()
    {
        var count = BoundedOption.Create("--count", "Number of kills.", 100, 1, 100_000);
        var seed = BoundedOption.Create("--seed", "Decides the changes and the moments.", 1, 0, int.MaxValue / 2);
        var command = new Command(
            "kills",
            "Kills a process (as kill -9 does) at random moments of upload, replace, rollback and delete, and checks after each that every name "
            + "points to a complete version, that nothing acknowledged is lost, and that nothing half done is left.")
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
        var seed = new Argument<int>("seed");
        var command = new Command(WorkerName) { root, seed };
        command.Hidden = true;
        command.SetAction((result, _) => KillWorker.RunAsync(result.GetValue(root)!, result.GetValue(seed)));
        return command;
    }

    private static async Task RunAsync(int count, int seed)
    {
        Engine.NativeLibraries.Load();
        var root = Directory.CreateTempSubdirectory("loraserve-kills-").FullName;
        try
        {
            KilledStore.Prepare(root);
            var trial = new KillTrial(root, number => Worker(root, number));
            for (var i = 0; i < count; i++) await trial.RunAsync(seed + i);
            AnsiConsole.WriteLine(
                $"{count} kills, {trial.KilledInside} of them inside a change; {trial.Changes} changes completed; after the restarts {trial.Verified} "
                + "versions were loaded and hashed, every name points to a complete version, nothing was lost or left.");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static ProcessStartInfo Worker(string root, int seed) =>
        new(Environment.ProcessPath!, [.. SelfArguments(), WorkerName, root, $"{seed}"]) { UseShellExecute = false };

    // Under "dotnet X.dll" the process is dotnet itself.
    private static string[] SelfArguments() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(KillsCommand).Assembly.Location] : [];
}
