using System.Diagnostics;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Merging;

namespace LoraServe.Benchmarks.Merging;

/// <summary>Costs and savings of merging one adapter, in milliseconds per decode step of one row and per merge.</summary>
/// <param name="Adapter">Its name.</param>
/// <param name="Base">Steps without adapter.</param>
/// <param name="Unmerged">Steps with the low-rank updates computed beside the base.</param>
/// <param name="Merged">Steps on merged weights.</param>
/// <param name="MergedToBase">Ratio of merged steps to base steps, per round.</param>
/// <param name="Merge">Merges.</param>
/// <param name="Bytes">Size of the merged weights.</param>
internal sealed record MergeCost(
    string Adapter, Distribution Base, Distribution Unmerged, Distribution Merged, Distribution MergedToBase, Distribution Merge, long Bytes)
{
    // During the first seconds the runtime recompiles hot code on another thread.
    private const int WarmUpRounds = 15;

    /// <summary>
    /// Measures all four in every round, so that disturbances affect them equally. The memory of the merged weights is reused from round to
    /// round, as in a server whose slot is taken by one adapter after the other.
    /// </summary>
    public static MergeCost Measure(AdapterFolder folder, string name, DecodeRow row, int rounds)
    {
        var adapter = folder.Adapters[name];
        var memory = AdapterMerger.Allocate(folder.Weights, adapter);
        List<double> alone = [], unmerged = [], merged = [], ratio = [], merge = [];
        for (var round = -WarmUpRounds; round < rounds; round++)
        {
            MergedTensors? slot = null;
            var mergeTime = Time(() => slot = folder.Merge(adapter, memory));
            // Threads of the merge keep looking for work for a moment, which would slow down the first measured step.
            row.Run(LoraAdapter.Base);
            double[] times =
            [
                Time(() => row.Run(LoraAdapter.Base)),
                Time(() => row.Run(slot!.Adapter)),
                Time(() => row.Run(adapter)),
                Time(() => row.Run(slot!.Adapter)),
                Time(() => row.Run(LoraAdapter.Base)),
            ];
            memory = slot!.Vacate();
            if (round < 0) continue;
            merge.Add(mergeTime);
            alone.AddRange([times[0], times[4]]);
            merged.AddRange([times[1], times[3]]);
            unmerged.Add(times[2]);
            ratio.Add((times[1] + times[3]) / (times[0] + times[4]));
        }

        memory.Dispose();
        return new MergeCost(
            name, new(alone), new(unmerged), new(merged), new(ratio), new(merge), AdapterMerger.Bytes(folder.Weights, adapter));
    }

    private static double Time(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
