using System.Diagnostics;
using System.Reflection;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Tests.Generation;
using Spectre.Console;

namespace LoraServe.Benchmarks.Prefixes;

/// <summary>The engine tests' check of the prefix cache, for any number of interleavings.</summary>
internal static class InterleavingBenchmark
{
    /// <summary>Prints how many requests generated the same tokens with and without the cache.</summary>
    /// <exception cref="BenchmarkException">Some tokens differ.</exception>
    public static async Task RunAsync(IAnsiConsole console, int count, int seed)
    {
        var golden = typeof(InterleavingBenchmark).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "GoldenFolder").Value!;
        var options = new EngineOptions
        {
            Model = Path.Combine(golden, "checkpoints", "llama-gqa"),
            Data = "",
            Dtype = "float32",
            Threads = 1,
            MaxNumSeqs = 5,
            MaxLoras = 3,
            MaxNumBatchedTokens = 128,
            KvCacheMemory = 1,
        };
        await using var cached = new BenchmarkEngine(options);
        await using var plain = new BenchmarkEngine(options with { EnablePrefixCaching = false });
        var adapters = InterleavedAdapters.Load(golden);
        var interleavings = new RandomInterleavings(cached.Engine, plain.Engine, adapters, cached.Engine.Model.MaxModelLen - 20, seed);
        var start = Stopwatch.GetTimestamp();
        await interleavings.RunAsync(count);
        console.WriteLine(
            $"{count} interleavings of {adapters.Count} adapters, seed {seed}, in {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s: "
            + $"{interleavings.Requests} requests ({interleavings.Cancelled} cancelled, {cached.Engine.Status.Preemptions} preemptions), "
            + $"{interleavings.CachedTokens} of {interleavings.PromptTokens} prompt tokens cached, "
            + $"{interleavings.Mismatches.Count} with other tokens than without cache, {interleavings.Undecided} compared up to a tie.");
        foreach (var adapter in adapters) adapter.Dispose();
        if (interleavings.Mismatches.Count > 0) throw new BenchmarkException(string.Join('\n', interleavings.Mismatches.Take(20)));
    }
}
