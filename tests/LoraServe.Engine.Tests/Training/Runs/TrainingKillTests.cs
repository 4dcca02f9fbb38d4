using System.Diagnostics;
using LoraServe.Benchmarks.Training;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Runs;

/// <summary>
/// Kills a training a few times; <c>tests/LoraServe.Benchmarks -- training-kills</c> does so more often. The worker is this assembly,
/// started with one explicit test.
/// </summary>
public sealed class TrainingKillTests
{
    private const string RootVariable = "LORASERVE_KILL_ROOT", RunVariable = "LORASERVE_KILL_RUN";

    [Fact]
    public async Task Kill_AtRandomMoments_ChangesNoBit()
    {
        using var folder = new TemporaryFolder();
        var trial = new TrainingKillTrial(folder.Path, run => Worker(folder.Path, run));

        await trial.RunAsync(kills: 2, seed: 1);

        trial.Trainings.ShouldBeGreaterThan(0);
        trial.ComparedSteps.ShouldBeGreaterThan(0);
    }

    [Fact(Explicit = true)]
    public async Task Worker_UntilKilled_Trains() => await TrainingKillWorker.RunAsync(
        GoldenData.Path("checkpoints", "llama-gqa"),
        Environment.GetEnvironmentVariable(RootVariable) ?? throw new InvalidOperationException($"{RootVariable} is not set."),
        Environment.GetEnvironmentVariable(RunVariable)!);

    private static ProcessStartInfo Worker(string root, string run)
    {
        var program = Path.ChangeExtension(typeof(TrainingKillTests).Assembly.Location, null);
        return new ProcessStartInfo(program, ["-explicit", "only", "-method", $"{typeof(TrainingKillTests).FullName}.{nameof(Worker_UntilKilled_Trains)}"])
        {
            Environment = { [RootVariable] = root, [RunVariable] = run },
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
    }
}
