namespace LoraServe.Engine.Kernels;

/// <summary>Spreads rows over threads.</summary>
internal static class RowWork
{
    // In elements: less work than this takes less time than handing it to another thread.
    private const long LeastShare = 1 << 15;

    /// <summary>Processes all rows, on the calling thread and others. The result for a row does not depend on the split.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="rowSize">Elements of a row.</param>
    /// <param name="threads">The largest number of threads to use.</param>
    /// <param name="work">Processes the rows from the first argument to before the second.</param>
    public static void Run(long rows, long rowSize, int threads, Action<long, long> work)
    {
        var shares = Math.Clamp(rows * rowSize / LeastShare, 1, Math.Min(threads, Math.Max(rows, 1)));
        ThreadTeam.Run(threads, shares, share => work(rows * share / shares, rows * (share + 1) / shares));
    }
}
