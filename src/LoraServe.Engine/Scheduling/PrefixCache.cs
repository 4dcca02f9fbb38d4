using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Scheduling;

/// <summary>
/// Shares full KV blocks of computed prefixes, generated tokens included. Every sequence holds all blocks of its prefix and gives the last one
/// back first, so that a block is never handed out before those that continue it; the least recently used goes first.
/// </summary>
/// <param name="blocks">The blocks of the KV cache.</param>
/// <param name="isEnabled">If not, nothing is indexed or found.</param>
internal sealed class PrefixCache(KvBlockPool blocks, bool isEnabled)
{
    private readonly CachedBlock _root = CachedBlock.Root();

    /// <summary>Tokens of admitted prompts that were looked for.</summary>
    public long Queries { get; private set; }

    /// <summary>Tokens of those that needed no computation.</summary>
    public long Hits { get; private set; }

    /// <summary>
    /// Gives a sequence its blocks: first those of its longest computed prefix, then free ones. Where too few are free, it gets none and this
    /// returns false.
    /// </summary>
    public bool TryHold(Sequence sequence, int count)
    {
        var held = sequence.HeldBlocks;
        while (Next(sequence) is { } found)
        {
            blocks.Hold(found.Block);
            held.Add(found.Block);
            sequence.IndexedBlocks++;
        }

        if (!blocks.TryAllocate(count - held.Count, held))
        {
            Release(sequence);
            return false;
        }

        if (Reads(sequence) && !sequence.IsResumed) Queries += sequence.PromptLength;
        Skip(sequence, sequence.IndexedBlocks);
        return true;
    }

    /// <summary>Skips blocks of a sequence's prompt that others computed since it was admitted.</summary>
    public void Advance(Sequence sequence)
    {
        while (sequence.ComputedTokens == sequence.IndexedBlocks * blocks.BlockSize && Next(sequence) is { } found)
        {
            Replace(sequence, found);
            Skip(sequence, 1);
        }
    }

    /// <summary>
    /// Whether a row completes the very block that a sequence would begin: waiting a step for it is faster than computing it twice.
    /// </summary>
    public bool IsUnderWay(Sequence sequence, BatchRow row)
    {
        var (other, start) = (row.Sequence, sequence.IndexedBlocks * blocks.BlockSize);
        return sequence.ComputedTokens == start
            && other.IndexedBlocks == sequence.IndexedBlocks
            && CanRead(sequence)
            && row.Start + row.Count >= start + blocks.BlockSize
            && Last(other) == Last(sequence)
            && Scope(other) == Scope(sequence)
            && Tokens(other).SequenceEqual(Tokens(sequence));
    }

    /// <summary>
    /// Indexes the full blocks that a sequence has computed. A block whose content is indexed already is replaced by the indexed one.
    /// </summary>
    public void Publish(Sequence sequence)
    {
        while (isEnabled && (sequence.IndexedBlocks + 1) * blocks.BlockSize <= sequence.ComputedTokens)
        {
            var before = Last(sequence);
            if (before.Find(Scope(sequence), Tokens(sequence)) is { } found)
            {
                Replace(sequence, found);
                continue;
            }

            var block = sequence.HeldBlocks[sequence.IndexedBlocks];
            blocks.Keep(block, before.Add(Scope(sequence), Tokens(sequence), block));
            sequence.IndexedBlocks++;
        }
    }

    /// <summary>Takes a sequence's blocks back; those that are indexed can be found until they are needed.</summary>
    public void Release(Sequence sequence)
    {
        blocks.Free(sequence.HeldBlocks);
        sequence.IndexedBlocks = 0;
    }

    // The block after the indexed ones, where it is known.
    private CachedBlock? Next(Sequence sequence) => CanRead(sequence) ? Last(sequence).Find(Scope(sequence), Tokens(sequence)) : null;

    // The last token is always computed: its logits choose the next one.
    private bool CanRead(Sequence sequence) =>
        Reads(sequence) && (sequence.IndexedBlocks + 1) * blocks.BlockSize < sequence.Tokens.Length;

    // Log-probabilities of the prompt need every position's logits.
    private bool Reads(Sequence sequence) => isEnabled && sequence.Request.Sampling.PromptLogprobs is null;

    private CachedBlock Last(Sequence sequence) =>
        sequence.IndexedBlocks == 0 ? _root : blocks.ContentOf(sequence.HeldBlocks[sequence.IndexedBlocks - 1])!;

    private PrefixScope Scope(Sequence sequence) => sequence.ScopeUpTo((sequence.IndexedBlocks + 1) * blocks.BlockSize);

    private ReadOnlySpan<int> Tokens(Sequence sequence) =>
        sequence.Tokens.Slice(sequence.IndexedBlocks * blocks.BlockSize, blocks.BlockSize);

    private void Replace(Sequence sequence, CachedBlock found)
    {
        blocks.Hold(found.Block);
        blocks.Free(sequence.HeldBlocks[sequence.IndexedBlocks]);
        sequence.HeldBlocks[sequence.IndexedBlocks++] = found.Block;
    }

    private void Skip(Sequence sequence, int found)
    {
        var tokens = found * blocks.BlockSize;
        sequence.ComputedTokens += tokens;
        if (sequence.IsResumed) return;
        sequence.CachedTokens += tokens;
        Hits += tokens;
    }
}
