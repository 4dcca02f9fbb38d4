using System.Diagnostics;
using System.Runtime.CompilerServices;
using LoraServe.Engine;
using LoraServe.Engine.Checkpoints;
using TorchSharp;

namespace LoraServe.Benchmarks.Steps;

/// <summary>Measures steps of the engine in this process.</summary>
internal static class StepBenchmark
{
    private const int WarmupRounds = 2;
    private const int LeastRounds = 3;

    /// <summary>
    /// Runs all cases in every round until the time is up, so that other work on the machine affects all cases equally, and the weights of one
    /// step have left the processor's caches before the next, as when serving.
    /// </summary>
    /// <returns>Milliseconds of each case.</returns>
    public static IReadOnlyList<(StepCase Case, Distribution Milliseconds)> Run(StepOptions options, torch.ScalarType dtype)
    {
        RuntimeHelpers.RunModuleConstructor(typeof(NativeLibraries).Module.ModuleHandle);
        NativeLibraries.Load();
        torch.set_num_threads(options.Threads);
        using var model = Load(options, dtype);
        using var mode = torch.inference_mode();
        for (var round = 0; round < WarmupRounds; round++)
        {
            foreach (var step in model.Cases) model.Run(step.Batch);
        }

        var samples = model.Cases.ToDictionary(step => step, _ => new List<double>());
        var clock = Stopwatch.StartNew();
        for (var round = 0; round < LeastRounds || clock.Elapsed < options.Duration; round++)
        {
            foreach (var step in model.Cases)
            {
                var start = Stopwatch.GetTimestamp();
                model.Run(step.Batch);
                samples[step].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        return [.. model.Cases.Select(step => (step, new Distribution(samples[step])))];
    }

    private static StepModel Load(StepOptions options, torch.ScalarType dtype)
    {
        try
        {
            return new StepModel(options, dtype);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidCheckpointException)
        {
            throw new BenchmarkException($"The checkpoint cannot be loaded. {e.Message}", e);
        }
    }
}
