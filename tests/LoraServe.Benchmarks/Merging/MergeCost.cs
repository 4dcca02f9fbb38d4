using System.Diagnostics;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;

namespace LoraServe.Benchmarks.Merging;

/// <summary>What merging one adapter costs and saves: milliseconds of decode steps of one row and of the merge.</summary>
internal sealed record MergeCost(string Adapter, Distribution Base, Distribution Unmerged, Distribution Merged, Distribution Merge, long Bytes)
{
    private const int WarmUpRounds = 3;

    /// <summary>
    /// Measures all four in turn, round after round, so that a disturbance meets them alike. The merged weights stay from round to round as
    /// they do in a server whose slot is taken by one adapter after the other.
    /// </summary>
    public static MergeCost Measure(AdapterFolder folder, string name, DecodeRow row, int rounds)
    {
        var adapter = folder.Adapters[name];
        var memory = AdapterMerger.Allocate(folder.Weights, adapter);
        List<double> alone = [], unmerged = [], merged = [], merge = [];
        for (var round = -WarmUpRounds; round < rounds; round++)
        {
            MergedAdapter? slot = null;
            double[] times =
            [
                Time(() => row.Run(LoraAdapter.Base)),
                Time(() => row.Run(adapter)),
                Time(() => slot = folder.Merge(adapter, memory)),
                Time(() => row.Run(slot!.Adapter)),
            ];
            memory = slot!.Vacate();
            if (round < 0) continue;
            alone.Add(times[0]);
            unmerged.Add(times[1]);
            merge.Add(times[2]);
            merged.Add(times[3]);
        }

        memory.Dispose();
        return new MergeCost(
            name, new(alone), new(unmerged), new(merged), new(merge), AdapterMerger.Bytes(folder.Weights, adapter));
    }

    private static double Time(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
