using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Scheduling;

/// <summary>
/// Gives sequences their KV blocks: those for the prompt and the next part of the output when they are admitted, more as the output grows.
/// Sequences that get none in turn are preempted.
/// </summary>
/// <remarks>
/// A sequence is admitted when its blocks are free, in the order of <see cref="FairQueue"/> and never past the one whose turn it is, so that
/// a large one is not overtaken for ever. Where places or blocks are taken by a flow that holds more than its share, its youngest sequence is
/// preempted at once and computed again later, mostly from the prefix cache. A place held free for newcomers would serve only the first of
/// them, and waiting for an end has no bound; this has one: a request whose adapter would not hold more than its share with it is admitted
/// at the next step, and every adapter that prefills gets a token in every step. So its first chunk is computed within two steps of its
/// arrival: the one that runs, and its own. With fewer places than adapters, or more adapters than may act in one batch, turns are the bound
/// instead. Where a running sequence needs one more block and none is free, the adapter that holds most is preempted too, be it its own.
/// No preemption is undone by another, and generated tokens are never lost: every growth is followed by a token, so that all sequences end.
/// </remarks>
/// <param name="queue">All sequences.</param>
/// <param name="blocks">The blocks of the KV cache.</param>
/// <param name="prefixes">Has the blocks of computed prefixes.</param>
/// <param name="maxRunning">Most running sequences.</param>
/// <param name="tokensAhead">For how many tokens beyond the known ones a sequence takes blocks, where they are free.</param>
internal sealed class SequenceAdmission(FairQueue queue, KvBlockPool blocks, PrefixCache prefixes, int maxRunning, int tokensAhead)
{
    private readonly List<Sequence> _growing = [];

    /// <summary>How often a sequence was preempted.</summary>
    public long Preemptions { get; private set; }

    /// <summary>Whether the empty cache is large enough for such a sequence.</summary>
    public bool CanEverFit(int promptTokens, int maxTokens) => BlocksFor(promptTokens, maxTokens) <= blocks.Count;

    /// <summary>Blocks of a sequence at its end. The keys and values of the last token are never needed.</summary>
    public long BlocksFor(int promptTokens, int maxTokens) => blocks.BlocksFor(promptTokens + Math.Max(0L, maxTokens - 1L));

    /// <summary>Admits the sequences that fit.</summary>
    public void Admit()
    {
        while (queue.Next() is { } next && TryAdmit(next))
        {
        }
    }

    /// <summary>Gives running sequences the blocks for their known tokens.</summary>
    public void Grow()
    {
        _growing.Clear();
        foreach (var flow in queue.Flows)
        {
            foreach (var sequence in flow.Running)
            {
                if (IsShort(sequence))
                    _growing.Add(sequence);
            }
        }

        foreach (var sequence in _growing)
        {
            // It may have been preempted for the one before.
            while (sequence.Blocks.Count > 0 && IsShort(sequence) && !TryGrow(sequence))
                Preempt(queue.YoungestOfLargest());
        }
    }

    private bool TryAdmit(Sequence next)
    {
        var needed = BlocksAhead(next);
        while (queue.Running == maxRunning || !prefixes.TryHold(next, needed))
        {
            if (queue.VictimFor(next, needed) is not { } victim)
                return false;

            Preempt(victim);
        }

        queue.Admit(next);
        next.Clock.Admit();
        return true;
    }

    private bool IsShort(Sequence sequence) => blocks.BlocksFor(sequence.Tokens.Length) > sequence.Blocks.Count;

    private bool TryGrow(Sequence sequence) =>
        blocks.TryAllocate(BlocksAhead(sequence) - sequence.Blocks.Count, sequence.HeldBlocks)
        || blocks.TryAllocate(1, sequence.HeldBlocks);

    private void Preempt(Sequence victim)
    {
        prefixes.Release(victim);
        victim.Preempt();
        queue.Preempt(victim);
        Preemptions++;
    }

    private int BlocksAhead(Sequence sequence) => (int)Math.Min(
        BlocksFor(sequence.PromptLength, sequence.MaxTokens), blocks.BlocksFor((long)sequence.Tokens.Length + tokensAhead));
}
