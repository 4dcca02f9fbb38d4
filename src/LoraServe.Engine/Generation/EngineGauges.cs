using System.Diagnostics.Metrics;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Generation;

/// <summary>The engine's snapshots as instruments that are read on demand. Names are as in <see cref="StepInstruments"/>.</summary>
internal static class EngineGauges
{
    /// <summary>Creates them.</summary>
    public static void Create(Meter meter, LlmEngine engine, int maxLoras)
    {
        var adapters = engine.Adapters;
        // Those of the warm-up are not counted.
        var (queries, hits) = (engine.Status.PrefixCacheQueries, engine.Status.PrefixCacheHits);
        meter.CreateObservableGauge("vllm.num_requests_running", () => engine.Status.Running, null, "Sequences that hold KV blocks.");
        meter.CreateObservableGauge(
            "vllm.num_requests_waiting",
            () => engine.Status.Queued + adapters.CacheStatus.Waiting,
            null,
            "Sequences that wait for admission or for a merge, and requests that wait for memory for their adapter.");
        meter.CreateObservableGauge(
            "vllm.kv_cache_usage_perc",
            () => (double)engine.Status.KvBlocksUsed / engine.Status.KvBlocks,
            null,
            "The part of the KV cache that running sequences hold; 1 is all of it.");
        meter.CreateObservableGauge(
            "vllm.lora_requests_info",
            () => LoraRequests(engine.Status, adapters.ResidentNames(), maxLoras),
            null,
            "Adapters that are ready to serve, those that run first, and adapters that requests wait for.");
        meter.CreateObservableCounter("vllm.num_preemptions", () => engine.Status.Preemptions, null, "Sequences that made way for others.");
        meter.CreateObservableCounter(
            "vllm.prefix_cache_queries", () => engine.Status.PrefixCacheQueries - queries, null, "Tokens that were looked for in the prefix cache.");
        meter.CreateObservableCounter(
            "vllm.prefix_cache_hits", () => engine.Status.PrefixCacheHits - hits, null, "Tokens that were found in the prefix cache.");
        meter.CreateObservableGauge("loraserve.adapters.resident", () => adapters.CacheStatus.Count, null, "Adapters in memory.");
        meter.CreateObservableGauge(
            "loraserve.adapters.waiting", () => adapters.CacheStatus.Waiting, null, "Requests that wait for memory for their adapter.");
        meter.CreateObservableGauge("loraserve.adapters.memory", () => adapters.CacheStatus.Bytes, "By", "Memory of adapters.");
        meter.CreateObservableGauge("loraserve.adapters.memory.budget", () => adapters.CacheStatus.Budget, "By", "Most memory of adapters.");
        meter.CreateObservableGauge("loraserve.merged.adapters", () => engine.MergedSlots.Count, null, "Adapters with merged weights.");
        meter.CreateObservableGauge("loraserve.merged.memory", () => engine.MergedBytesUsed, "By", "Memory of merged weights.");
        meter.CreateObservableGauge("loraserve.merged.memory.budget", () => engine.MergedBytesBudget, "By", "Most memory of merged weights.");
    }

    // Gateways send a request to a replica where its adapter is loaded, used or not, and expect at most as many names as adapters fit into a batch.
    private static Measurement<double> LoraRequests(
        EngineStatus status, (IReadOnlyList<string> Loaded, IReadOnlyList<string> Loading) resident, int maxLoras) => new(
        DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0,
        new("max_lora", maxLoras),
        new("running_lora_adapters", Join(status.RunningAdapters.Union(resident.Loaded), maxLoras)),
        new("waiting_lora_adapters", Join(status.WaitingAdapters.Union(resident.Loading), int.MaxValue)));

    // Commas separate names, so that a mix that a request spells out, which has commas of its own, cannot be listed.
    private static string Join(IEnumerable<string> names, int most) => string.Join(',', names.Where(AdapterName.IsValid).Take(most));
}
