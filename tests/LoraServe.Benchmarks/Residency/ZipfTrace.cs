namespace LoraServe.Benchmarks.Residency;

/// <summary>The adapter of each request, Zipf-distributed: the k-th most popular has a probability proportional to 1 / k.</summary>
internal static class ZipfTrace
{
    public static int[] Create(int adapters, int requests, int seed)
    {
        var random = new Random(seed);
        var cumulative = new double[adapters];
        for (var i = 0; i < adapters; i++) cumulative[i] = (i > 0 ? cumulative[i - 1] : 0) + (1.0 / (i + 1));
        var trace = new int[requests];
        for (var i = 0; i < requests; i++)
        {
            var found = Array.BinarySearch(cumulative, random.NextDouble() * cumulative[^1]);
            trace[i] = Math.Min(found < 0 ? ~found : found, adapters - 1);
        }

        return trace;
    }

    /// <summary>Hit rate of an LRU cache with this many entries.</summary>
    public static double IdealHitRate(IReadOnlyList<int> trace, int capacity)
    {
        var byUse = new List<int>();
        var hits = 0;
        foreach (var adapter in trace)
        {
            if (byUse.Remove(adapter)) hits++;
            else if (byUse.Count == capacity) byUse.RemoveAt(0);
            byUse.Add(adapter);
        }

        return (double)hits / trace.Count;
    }
}
