using System.Diagnostics;
using LoraServe.Benchmarks.Kills;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters;

/// <summary>
/// A few kills in the middle of changes; <c>tests/LoraServe.Benchmarks -- kills</c> makes more of them. The worker is this assembly itself,
/// started again for one explicit test.
/// </summary>
public sealed class KillTests
{
    private const string RootVariable = "LORASERVE_KILL_ROOT", SeedVariable = "LORASERVE_KILL_SEED";

    [Fact]
    public async Task Kill_InTheMiddleOfChanges_LosesNothing()
    {
        using var folder = new TemporaryFolder();
        KilledStore.Prepare(folder.Path);
        var trial = new KillTrial(folder.Path, seed => Worker(folder.Path, seed));

        for (var seed = 0; seed < 3; seed++) await trial.RunAsync(seed);

        trial.Changes.ShouldBeGreaterThan(0);
        trial.Verified.ShouldBeGreaterThan(0);
    }

    [Fact(Explicit = true)]
    public async Task Worker_UntilKilled_ChangesTheStore() => await KillWorker.RunAsync(
        Environment.GetEnvironmentVariable(RootVariable) ?? throw new InvalidOperationException($"{RootVariable} is not set."),
        int.Parse(Environment.GetEnvironmentVariable(SeedVariable)!));

    private static ProcessStartInfo Worker(string root, int seed)
    {
        var program = Path.ChangeExtension(typeof(KillTests).Assembly.Location, null);
        return new ProcessStartInfo(program, ["-explicit", "only", "-method", $"{typeof(KillTests).FullName}.{nameof(Worker_UntilKilled_ChangesTheStore)}"])
        {
            Environment = { [RootVariable] = root, [SeedVariable] = $"{seed}" },
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
    }
}
