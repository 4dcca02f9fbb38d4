using LoraServe.Engine.Sequences;

namespace LoraServe.Metrics;

/// <summary>The latency of a choice's first token, reported when it is read, or at the end of a choice without one.</summary>
/// <param name="AdapterLabel">The metric label of its adapter.</param>
/// <param name="Times">Its times in the engine.</param>
/// <param name="Arrival">When the request arrived, as a timestamp of <see cref="TimeProvider.System"/>.</param>
internal sealed record FirstTokenReport(string AdapterLabel, SequenceTimes Times, long Arrival)
{
    /// <summary>From the arrival of the request to the first token; null if there is none.</summary>
    public TimeSpan? TimeToFirstToken => TimeProvider.System.GetElapsedTime(Arrival, Times.Submitted) + Times.FirstToken;
}
