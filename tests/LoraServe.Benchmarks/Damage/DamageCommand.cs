using System.CommandLine;
using System.Diagnostics;
using Spectre.Console;

namespace LoraServe.Benchmarks.Damage;

/// <summary>The command line of the trial with damaged data folders.</summary>
internal static class DamageCommand
{
    private const int MostShown = 20;

    public static Command Create()
    {
        var count = BoundedOption.Create("--count", "Number of damaged folders.", 200, 1, 100_000);
        var seed = BoundedOption.Create("--seed", "Decides the damages.", 1, 0, int.MaxValue / 2);
        var command = new Command(
            "damage",
            "Damages a data folder (databases removed, emptied, cut, overwritten, older, another's or swapped, logs removed, files removed or cut) and starts "
            + "on it: no version or file that was there may be gone, a start works or says how to go on, and --rebuild-registry then works.")
        {
            count, seed,
        };
        command.SetAction((result, _) => RunAsync(result.GetValue(count), result.GetValue(seed)));
        return command;
    }

    private static async Task RunAsync(int count, int seed)
    {
        Engine.NativeLibraries.Load();
        var root = Directory.CreateTempSubdirectory("loraserve-damage-").FullName;
        try
        {
            var source = new DamageSource(root);
            await source.PrepareAsync();
            var trial = new DamageTrial(source, root);
            var clock = Stopwatch.StartNew();
            for (var i = 0; i < count; i++) trial.Run(seed + i);
            AnsiConsole.WriteLine(
                $"{count} damaged folders in {clock.Elapsed.TotalSeconds:0} s: {trial.Started} started, {trial.Refused} were refused; of these {trial.Rebuilt} "
                + $"started after --rebuild-registry, {trial.Keyed} asked for keys and got some. {trial.Files} times a file was looked for afterwards: all were in "
                + $"place but {trial.Trashed}, which lay in the trash. {trial.Violations.Count} violations.");
            if (trial.Violations.Count > 0) throw new BenchmarkException(string.Join('\n', trial.Violations.Take(MostShown)));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}
