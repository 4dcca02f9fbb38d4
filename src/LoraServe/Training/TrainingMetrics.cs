using System.Diagnostics.Metrics;
using LoraServe.Metrics;

namespace LoraServe.Training;

/// <summary>Metrics of trainings.</summary>
internal sealed class TrainingMetrics
{
    private readonly Counter<long> _steps;
    private readonly Counter<long> _tokens;
    private readonly Counter<double> _seconds;

    public TrainingMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MetricCollector.MeterPrefix);
        _steps = meter.CreateCounter<long>("loraserve.training.steps", null, "Steps of optimisers that were made.");
        _tokens = meter.CreateCounter<long>("loraserve.training.tokens", null, "Tokens that were trained on.");
        _seconds = meter.CreateCounter<double>("loraserve.training.busy", "s", "Time that steps worked.");
        // A rate needs an earlier sample: without these zeros the first event would be lost.
        _steps.Add(0);
        _tokens.Add(0);
        _seconds.Add(0);
    }

    /// <summary>Counts a step.</summary>
    public void RecordStep(long tokens, TimeSpan elapsed)
    {
        _steps.Add(1);
        _tokens.Add(tokens);
        _seconds.Add(elapsed.TotalSeconds);
    }
}
