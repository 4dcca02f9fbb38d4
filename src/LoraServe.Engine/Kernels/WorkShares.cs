namespace LoraServe.Engine.Kernels;

/// <summary>
/// Divides the parts of a step among the members of a <see cref="WorkerTeam"/>. Each takes from what is left, first much and then less, so that all
/// end together even where one of them is slowed, and that what one takes lies together in memory.
/// </summary>
/// <param name="parts">The most parts in a step.</param>
internal sealed class WorkShares(int parts)
{
    // A cache line apart.
    private const int Stride = 8;

    private readonly long[] _taken = new long[parts * Stride];

    /// <summary>Begins a step; no member may be in one.</summary>
    public void Reset() => Array.Clear(_taken);

    /// <summary>Takes a share of a part; false where nothing is left.</summary>
    /// <param name="part">The number of the part within the step.</param>
    /// <param name="total">Units of the part.</param>
    /// <param name="least">Units to take at least.</param>
    /// <param name="members">Members of the team.</param>
    /// <param name="from">The first unit.</param>
    /// <param name="to">The one after the last.</param>
    public bool TryTake(int part, int total, int least, int members, out int from, out int to)
    {
        ref var taken = ref _taken[part * Stride];
        while (true)
        {
            var current = Volatile.Read(ref taken);
            var left = total - current;
            var size = Math.Min(left, Math.Max(least, left / (2 * members)));
            (from, to) = ((int)current, (int)(current + size));
            if (left <= 0) return false;
            if (Interlocked.CompareExchange(ref taken, current + size, current) == current) return true;
        }
    }
}
