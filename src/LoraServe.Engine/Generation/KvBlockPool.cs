namespace LoraServe.Engine.Generation;

/// <summary>
/// Which blocks of the KV cache are free. A block holds the keys and values of <see cref="BlockSize"/> consecutive tokens of one sequence.
/// </summary>
internal sealed class KvBlockPool
{
    private readonly Stack<int> _free;
    private readonly bool[] _held;

    /// <param name="count">Blocks in the cache.</param>
    /// <param name="blockSize">Tokens in a block.</param>
    public KvBlockPool(int count, int blockSize = 16)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blockSize);
        Count = count;
        BlockSize = blockSize;
        _held = new bool[count];
        _free = new Stack<int>(count);
        for (var block = count - 1; block >= 0; block--)
            _free.Push(block);
    }

    /// <summary>Tokens in a block.</summary>
    public int BlockSize { get; }

    /// <summary>All blocks.</summary>
    public int Count { get; }

    /// <summary>Blocks that sequences hold.</summary>
    public int Used => Count - _free.Count;

    /// <summary>Blocks needed for this many tokens.</summary>
    public long BlocksFor(long tokens) => (tokens + BlockSize - 1) / BlockSize;

    /// <summary>Appends that many blocks to <paramref name="into"/>, or none and returns false where fewer are free.</summary>
    public bool TryAllocate(int blocks, List<int> into)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(blocks);
        if (blocks > _free.Count)
            return false;

        for (var i = 0; i < blocks; i++)
        {
            var block = _free.Pop();
            _held[block] = true;
            into.Add(block);
        }

        return true;
    }

    /// <summary>Takes the blocks back and empties the list.</summary>
    /// <exception cref="InvalidOperationException">A block is free already: two sequences would share it.</exception>
    public void Free(List<int> blocks)
    {
        foreach (var block in blocks)
        {
            if (!_held[block])
                throw new InvalidOperationException($"KV block {block} was freed twice.");

            _held[block] = false;
            _free.Push(block);
        }

        blocks.Clear();
    }
}
