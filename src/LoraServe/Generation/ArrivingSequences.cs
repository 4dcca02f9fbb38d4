namespace LoraServe.Generation;

/// <summary>Counts sequences that the engine does not know yet, because their prompts are being encoded or their adapters loaded.</summary>
internal sealed class ArrivingSequences
{
    private long _count;

    /// <summary>How many there are now.</summary>
    public int Count => (int)Volatile.Read(ref _count);

    /// <summary>Adds to them, or with a negative number takes away.</summary>
    public void Add(long change) => Interlocked.Add(ref _count, change);
}
