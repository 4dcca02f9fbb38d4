using System.Diagnostics.Metrics;
using LoraServe.Engine.Adapters;

namespace LoraServe.Engine.Generation;

/// <summary>What the engine's snapshots say, as instruments that are read when somebody asks. Names are as in <see cref="EngineMetrics"/>.</summary>
internal static class EngineGauges
{
    /// <summary>Creates them.</summary>
    public static void Create(Meter meter, LlmEngine engine, int maxLoras)
    {
        var adapters = engine.Adapters;
        meter.CreateObservableGauge("vllm.num_requests_running", () => engine.Status.Running, null, "Sequences that hold KV blocks.");
        meter.CreateObservableGauge(
            "vllm.num_requests_waiting",
            () => engine.Status.Waiting + adapters.CacheStatus.Waiting,
            null,
            "Sequences that wait for admission or for a merge, and requests that wait for memory for their adapter.");
        meter.CreateObservableGauge(
            "vllm.kv_cache_usage_perc",
            () => (double)engine.Status.KvBlocksUsed / engine.Status.KvBlocks,
            null,
            "The part of the KV cache that running sequences hold; 1 is all of it.");
        meter.CreateObservableGauge("vllm.lora_requests_info", () => LoraRequests(engine.Status, maxLoras), null, "Adapters that run and wait.");
        meter.CreateObservableCounter("vllm.num_preemptions", () => engine.Status.Preemptions, null, "Sequences that made way for others.");
        meter.CreateObservableCounter(
            "vllm.prefix_cache_queries", () => engine.Status.PrefixCacheQueries, null, "Tokens that were looked for in the prefix cache.");
        meter.CreateObservableCounter(
            "vllm.prefix_cache_hits", () => engine.Status.PrefixCacheHits, null, "Tokens that were found in the prefix cache.");
        meter.CreateObservableGauge("loraserve.adapters.resident", () => adapters.CacheStatus.Count, null, "Adapters in memory.");
        meter.CreateObservableGauge(
            "loraserve.adapters.waiting", () => adapters.CacheStatus.Waiting, null, "Requests that wait for memory for their adapter.");
        meter.CreateObservableGauge("loraserve.adapters.memory", () => adapters.CacheStatus.Bytes, "By", "Memory of adapters.");
        meter.CreateObservableGauge("loraserve.adapters.memory.budget", () => adapters.CacheStatus.Budget, "By", "Most memory of adapters.");
        meter.CreateObservableGauge("loraserve.merged.adapters", () => engine.MergedSlots.Count, null, "Adapters with merged weights.");
        meter.CreateObservableGauge("loraserve.merged.memory", () => engine.MergedBytesUsed, "By", "Memory of merged weights.");
        meter.CreateObservableGauge("loraserve.merged.memory.budget", () => engine.MergedBytesBudget, "By", "Most memory of merged weights.");
    }

    private static Measurement<double> LoraRequests(EngineStatus status, int maxLoras) => new(
        DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0,
        new("max_lora", maxLoras),
        new("running_lora_adapters", Join(status.RunningAdapters)),
        new("waiting_lora_adapters", Join(status.WaitingAdapters)));

    // Commas separate names: a sum that a request spells out has some of its own and cannot stand in such a list.
    private static string Join(IEnumerable<string> names) => string.Join(',', names.Where(AdapterName.IsValid));
}
