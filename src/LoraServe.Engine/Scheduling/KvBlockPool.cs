namespace LoraServe.Engine.Scheduling;

/// <summary>
/// Which blocks of the KV cache are held, and by how many sequences. A block holds the keys and values of <see cref="BlockSize"/>
/// consecutive tokens. A block without holders is free. If its content is indexed, it keeps it until it is handed out again, the least recently
/// used block first.
/// </summary>
internal sealed class KvBlockPool
{
    private readonly int[] _holders;
    private readonly CachedBlock?[] _contents;

    // The free blocks as a doubly linked ring, the next to hand out first; the entry past the last block is the ring's anchor.
    private readonly int[] _next;
    private readonly int[] _previous;

    /// <param name="count">Blocks in the cache.</param>
    /// <param name="blockSize">Tokens in a block.</param>
    public KvBlockPool(int count, int blockSize = 16)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blockSize);
        Count = count;
        BlockSize = blockSize;
        _holders = new int[count];
        _contents = new CachedBlock?[count];
        _next = new int[count + 1];
        _previous = new int[count + 1];
        _next[count] = _previous[count] = count;
        for (var block = 0; block < count; block++)
            Link(block, before: count);
    }

    /// <summary>Tokens in a block.</summary>
    public int BlockSize { get; }

    /// <summary>All blocks.</summary>
    public int Count { get; }

    /// <summary>Blocks that sequences hold; one that several hold counts once.</summary>
    public int Used { get; private set; }

    /// <summary>Free blocks whose content can still be used.</summary>
    public int Cached { get; private set; }

    /// <summary>Blocks needed for this many tokens.</summary>
    public long BlocksFor(long tokens) => (tokens + BlockSize - 1) / BlockSize;

    /// <summary>How many sequences hold a block.</summary>
    public int Holders(int block) => _holders[block];

    /// <summary>What a block is indexed as; null if it is not.</summary>
    public CachedBlock? ContentOf(int block) => _contents[block];

    /// <summary>
    /// Appends that many blocks to <paramref name="into"/>, or none and returns false where fewer are free. Their contents leave the index.
    /// </summary>
    public bool TryAllocate(int blocks, List<int> into)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(blocks);
        if (blocks > Count - Used)
            return false;

        for (var i = 0; i < blocks; i++)
        {
            var block = _next[Count];
            Hold(block);
            _contents[block]?.Remove();
            _contents[block] = null;
            into.Add(block);
        }

        return true;
    }

    /// <summary>Counts one more holder; the block keeps its content.</summary>
    public void Hold(int block)
    {
        if (_holders[block]++ > 0)
            return;

        Unlink(block);
        Used++;
        if (_contents[block] is not null) Cached--;
    }

    /// <summary>Notes that a held block's content is indexed: once free, it is handed out as late as its last use allows.</summary>
    public void Keep(int block, CachedBlock content) => _contents[block] = content;

    /// <summary>
    /// Removes a holder from each block and empties the list. The last block goes first, so that the end of a prefix without holders is handed
    /// out before its beginning.
    /// </summary>
    /// <exception cref="InvalidOperationException">A block is free already: two sequences would get it.</exception>
    public void Free(List<int> blocks)
    {
        for (var i = blocks.Count - 1; i >= 0; i--)
            Free(blocks[i]);
        blocks.Clear();
    }

    /// <summary>The same for one block.</summary>
    public void Free(int block)
    {
        if (_holders[block] == 0)
            throw new InvalidOperationException($"KV block {block} was freed twice.");
        if (--_holders[block] > 0)
            return;

        Used--;
        if (_contents[block] is null)
        {
            Link(block, before: _next[Count]);
            return;
        }

        Cached++;
        Link(block, before: Count);
    }

    private void Link(int block, int before)
    {
        (_previous[block], _next[block]) = (_previous[before], before);
        _next[_previous[before]] = block;
        _previous[before] = block;
    }

    private void Unlink(int block)
    {
        _next[_previous[block]] = _next[block];
        _previous[_next[block]] = _previous[block];
    }
}
