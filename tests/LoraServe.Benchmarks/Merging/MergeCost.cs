using System.Diagnostics;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Merging;

namespace LoraServe.Benchmarks.Merging;

/// <summary>What merging one adapter costs and saves: milliseconds of decode steps of one row and of the merge.</summary>
/// <param name="Adapter">Its name.</param>
/// <param name="Base">Steps without adapter.</param>
/// <param name="Unmerged">Steps beside the base.</param>
/// <param name="Merged">Steps on merged weights.</param>
/// <param name="MergedToBase">Merged steps against the base's, round by round.</param>
/// <param name="Merge">The merge.</param>
/// <param name="Bytes">Of the merged weights.</param>
internal sealed record MergeCost(
    string Adapter, Distribution Base, Distribution Unmerged, Distribution Merged, Distribution MergedToBase, Distribution Merge, long Bytes)
{
    // The runtime compiles what is hot once more, on a thread of its own, during the first seconds.
    private const int WarmUpRounds = 15;

    /// <summary>
    /// Measures all four in turn, round after round, so that a disturbance meets them alike. The merged weights stay from round to round as
    /// they do in a server whose slot is taken by one adapter after the other.
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
            // The threads that merged look for more work for a moment, and the first step would pay for that.
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
