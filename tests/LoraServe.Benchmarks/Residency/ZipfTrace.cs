namespace LoraServe.Benchmarks.Residency;

/// <summary>Which adapter each request asks for: the k-th most popular with a probability that falls as 1 / k.</summary>
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

    /// <summary>Share of hits of a cache of so many entries that always drops the least recently used.</summary>
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
