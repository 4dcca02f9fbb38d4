namespace LoraServe.Engine.Adapters.Residency;

/// <summary>A snapshot of the adapters in memory.</summary>
/// <param name="Budget">Most bytes of all adapters together.</param>
/// <param name="Bytes">Bytes of those that are resident or being loaded; never above the budget.</param>
/// <param name="PeakBytes">The highest value of <paramref name="Bytes"/> since the start.</param>
/// <param name="Count">Adapters that are resident or being loaded.</param>
/// <param name="Waiting">Requests that wait for memory.</param>
/// <param name="Hits">Requests that found their adapter resident or being loaded.</param>
/// <param name="Misses">Requests that made it load.</param>
/// <param name="Loads">Loads that succeeded.</param>
/// <param name="Evictions">Adapters that made room for others.</param>
public sealed record AdapterCacheStatus(
    long Budget, long Bytes, long PeakBytes, int Count, int Waiting, long Hits, long Misses, long Loads, long Evictions)
{
    internal static AdapterCacheStatus Of(long budget, ResidentAdapters held, AdapterLine line) =>
        new(budget, held.Bytes, held.PeakBytes, held.Count, line.Count, line.Hits, line.Misses, held.Loads, held.Evictions);
}
