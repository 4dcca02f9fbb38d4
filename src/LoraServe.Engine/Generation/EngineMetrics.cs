using System.Diagnostics.Metrics;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Scheduling;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Generation;

/// <summary>Counts the steps of the engine once they are published. A failing metric must not fail a step.</summary>
/// <param name="logger">For its own log lines.</param>
internal sealed partial class EngineMetrics(ILogger logger)
{
    private volatile StepInstruments? _instruments;

    /// <summary>Publishes what happens from now on as instruments of a meter.</summary>
    /// <param name="meter">Outlives this.</param>
    /// <param name="labels">Of adapters' names.</param>
    public void Publish(Meter meter, AdapterLabels labels) => _instruments = new StepInstruments(meter, labels);

    /// <summary>Counts a step, on the engine's thread, before any reader sees its tokens.</summary>
    /// <param name="batch">What was computed.</param>
    /// <param name="tokens">One for each row, not yet given to the sequences.</param>
    public void Count(Batch batch, IReadOnlyList<RowResult> tokens)
    {
        try
        {
            _instruments?.Record(batch, tokens);
        }
        catch (Exception e)
        {
            LogNotCounted(logger, e);
        }
    }

    [LoggerMessage(LogLevel.Error, "A step is missing in metrics; its sequences go on")]
    private static partial void LogNotCounted(ILogger logger, Exception exception);
}
