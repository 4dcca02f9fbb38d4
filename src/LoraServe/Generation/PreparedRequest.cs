using LoraServe.Engine.Adapters.Residency;

namespace LoraServe.Generation;

/// <summary>
/// A request that is ready to run: admitted, its adapters in memory, its prompts token ids. Disposing it releases the adapters; sequences that
/// were submitted hold leases of their own.
/// </summary>
/// <param name="Parameters">What was asked for.</param>
/// <param name="Account">What it is charged to.</param>
/// <param name="Arrival">Its place in line, taken before its adapters were loaded.</param>
/// <param name="Columns">At least one.</param>
internal sealed record PreparedRequest(
    GenerationParameters Parameters, RequestAccount Account, long Arrival, IReadOnlyList<PreparedColumn> Columns) : IDisposable
{
    public void Dispose()
    {
        foreach (var column in Columns) column.Adapter.Dispose();
    }
}

/// <summary>What runs on one adapter.</summary>
/// <param name="Adapter">A lease that belongs to the request.</param>
/// <param name="Prompts">At least one.</param>
internal sealed record PreparedColumn(AdapterLease Adapter, IReadOnlyList<GenerationPrompt> Prompts);
