namespace LoraServe.Engine.Kernels;

/// <summary>Spreads rows over threads.</summary>
internal static class RowWork
{
    // Less than this takes less time than handing it to another thread.
    private const long LeastShare = 1 << 15;

    /// <summary>Does all rows: the caller some of them, other threads the rest. A row is done as it would be done alone.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="rowSize">Elements that a row takes.</param>
    /// <param name="threads">Most threads to use.</param>
    /// <param name="work">Does the rows from the first to before the second.</param>
    public static void Run(long rows, long rowSize, int threads, Action<long, long> work)
    {
        var shares = Math.Clamp(rows * rowSize / LeastShare, 1, Math.Min(threads, Math.Max(rows, 1)));
        ThreadTeam.Run(threads, shares, share => work(rows * share / shares, rows * (share + 1) / shares));
    }
}
