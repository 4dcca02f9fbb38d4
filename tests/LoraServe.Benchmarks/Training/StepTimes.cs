using System.Diagnostics;
using LoraServe.Engine.Training.Results;

namespace LoraServe.Benchmarks.Training;

/// <summary>The times at which a training's steps ended.</summary>
internal sealed class StepTimes : IProgress<TrainingEvent>
{
    private readonly List<(long Time, StepMade Step)> _steps = [];
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the first step, which takes longer than the others.</summary>
    public Task First => _first.Task;

    /// <summary>Speed from the first step to the last, and the fraction of that time that the training worked.</summary>
    /// <exception cref="BenchmarkException">There were too few steps.</exception>
    public JobFigures Figures()
    {
        lock (_steps)
        {
            if (_steps.Count < 3) throw new BenchmarkException("The job made too few steps to be measured: take longer, or smaller steps.");
            var time = Stopwatch.GetElapsedTime(_steps[0].Time, _steps[^1].Time);
            var counted = _steps.Skip(1).Select(step => step.Step).ToList();
            return new JobFigures(
                counted.Sum(step => step.Tokens) / time.TotalSeconds, counted.Sum(step => step.Elapsed.TotalSeconds) / time.TotalSeconds);
        }
    }

    public void Report(TrainingEvent value)
    {
        if (value is not StepMade step) return;
        lock (_steps) _steps.Add((Stopwatch.GetTimestamp(), step));
        _first.TrySetResult();
    }
}

/// <summary>The speed of a training.</summary>
/// <param name="TokensPerSecond">Trained tokens per second.</param>
/// <param name="Share">Fraction of the time that it worked.</param>
internal sealed record JobFigures(double TokensPerSecond, double Share);
