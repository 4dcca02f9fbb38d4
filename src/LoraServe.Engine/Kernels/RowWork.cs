namespace LoraServe.Engine.Kernels;

/// <summary>Spreads rows over threads.</summary>
internal static class RowWork
{
    // Less than this takes less time than handing it to another thread.
    private const long LeastShare = 1 << 17;

    /// <summary>Does all rows: the caller some of them, other threads the rest. A row is done as it would be done alone.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="rowSize">Elements that a row takes.</param>
    /// <param name="threads">Most threads to use.</param>
    /// <param name="work">Does the rows from the first to before the second.</param>
    public static void Run(long rows, long rowSize, int threads, Action<long, long> work)
    {
        var shares = (int)Math.Clamp(rows * rowSize / LeastShare, 1, Math.Min(threads, Math.Max(rows, 1)));
        if (shares == 1)
        {
            work(0, rows);
            return;
        }

        var share = (rows + shares - 1) / shares;
        Parallel.For(0, shares, i => work(Math.Min(i * share, rows), Math.Min((i + 1) * share, rows)));
    }
}
