using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Scheduling;

/// <summary>
/// Continuous batching, fair across owners and adapters. A sequence is admitted when the KV blocks for its prompt and the next part of its output are
/// free, in the order of <see cref="FairQueue"/> and never past the one whose turn it is, so that a large one is not overtaken for ever; its
/// blocks grow with its output. <see cref="BatchBuilder"/> then chooses the tokens of each step.
/// </summary>
/// <remarks>
/// Where places or blocks are taken by a flow that holds more than its share, its youngest sequence makes way at once and is computed
/// again later (mostly from the prefix cache). A place held free for newcomers would serve only the first of them, and waiting for an end
/// has no bound; this has one: a request whose adapter would not hold more than its share with it is admitted at the next step, and every
/// adapter that prefills gets a token in every step. So its first chunk is computed within two steps of its arrival: the one that runs, and
/// its own. With fewer places than adapters, or more adapters than may act in one batch, turns are the bound instead.
/// Where a running sequence needs one more block and none is free, the adapter that holds most makes way too, be it its own. Nobody is
/// preempted back, and what was generated is never lost: every growth is followed by a token, so that all of them end.
/// </remarks>
internal sealed class Scheduler
{
    // Short outputs get all of their blocks at once, and are never in need later; who asks for thousands rarely writes them.
    private const int DefaultTokensAhead = 256;

    private readonly int _maxRunning;
    private readonly int _tokensAhead;
    private readonly List<Sequence> _growing = [];
    private readonly KvBlockPool _blocks;
    private readonly PrefixCache _prefixes;
    private readonly FairQueue _queue;
    private readonly BatchBuilder _batches;

    /// <param name="maxNumSeqs">
    /// Most running sequences; where this is more than <paramref name="maxNumBatchedTokens"/>, that is the limit, so that a step has a
    /// token for each.
    /// </param>
    /// <param name="maxNumBatchedTokens">Most tokens in a batch.</param>
    /// <param name="blocks">The blocks of the KV cache.</param>
    /// <param name="maxLoras">Most different adapters that act in a batch.</param>
    /// <param name="cachesPrefixes">Whether sequences share what was computed before.</param>
    /// <param name="tokensAhead">For how many tokens beyond those that are known a sequence takes blocks, where they are free.</param>
    public Scheduler(
        int maxNumSeqs,
        int maxNumBatchedTokens,
        KvBlockPool blocks,
        int maxLoras = int.MaxValue,
        bool cachesPrefixes = true,
        int tokensAhead = DefaultTokensAhead)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNumSeqs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNumBatchedTokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxLoras);
        _maxRunning = Math.Min(maxNumSeqs, maxNumBatchedTokens);
        _tokensAhead = tokensAhead;
        _blocks = blocks;
        _prefixes = new PrefixCache(blocks, cachesPrefixes);
        _queue = new FairQueue(_maxRunning, blocks.Count);
        _batches = new BatchBuilder(maxNumBatchedTokens, maxLoras, _prefixes);
    }

    /// <summary>Sequences that hold KV blocks.</summary>
    public int Running => _queue.Running;

    /// <summary>Sequences that wait for admission.</summary>
    public int Waiting => _queue.Waiting;

    /// <summary>See <see cref="FairQueue.RunningAdapters"/>.</summary>
    public IReadOnlyList<string> RunningAdapters => _queue.RunningAdapters;

    /// <summary>See <see cref="FairQueue.WaitingAdapters"/>.</summary>
    public IReadOnlyList<string> WaitingAdapters => _queue.WaitingAdapters;

    /// <summary>Whether any sequence is waiting or running.</summary>
    public bool HasWork => Running + Waiting > 0;

    /// <summary>See <see cref="PrefixCache.Queries"/>.</summary>
    public long PrefixCacheQueries => _prefixes.Queries;

    /// <summary>See <see cref="PrefixCache.Hits"/>.</summary>
    public long PrefixCacheHits => _prefixes.Hits;

    /// <summary>How often a sequence made way for another one.</summary>
    public long Preemptions { get; private set; }

    /// <summary>Whether the empty cache is large enough for such a sequence.</summary>
    public bool CanEverFit(int promptTokens, int maxTokens) => BlocksFor(promptTokens, maxTokens) <= _blocks.Count;

    /// <summary>Queues a sequence.</summary>
    /// <exception cref="ArgumentException">It can never fit: it would block the queue for ever.</exception>
    public void Add(Sequence sequence)
    {
        if (!CanEverFit(sequence.PromptLength, sequence.MaxTokens))
        {
            var needed = BlocksFor(sequence.PromptLength, sequence.MaxTokens);
            throw new ArgumentException($"Sequence {sequence.Id} needs {needed} KV blocks of {_blocks.Count}.", nameof(sequence));
        }

        _queue.Enqueue(sequence);
    }

    /// <summary>
    /// Makes room for the next tokens, admits what fits and chooses the tokens of the next step; empty where there is nothing to do.
    /// </summary>
    public Batch Schedule()
    {
        Grow();
        while (_queue.Next() is { } next && TryAdmit(next))
        {
        }

        return _batches.Build(_queue.Flows);
    }

    /// <summary>Records that a batch is computed. Sequences that ended since <see cref="Schedule"/> are passed over.</summary>
    /// <param name="batch">The last scheduled batch.</param>
    /// <param name="tokens">One for each row; used where <see cref="BatchRow.SamplesToken"/>.</param>
    public void Complete(Batch batch, IReadOnlyList<SampledToken?> tokens)
    {
        for (var i = 0; i < batch.Rows.Count; i++)
        {
            var (sequence, start, count) = batch.Rows[i];
            if (sequence.HasEnded)
                continue;

            var samplesToken = batch.Rows[i].SamplesToken;
            sequence.ComputedTokens = start + count;
            _prefixes.Publish(sequence);
            if (sequence.PendingTokens > 0)
                continue;

            if (sequence.GeneratedCount == 0)
                sequence.CompletePrompt();
            if (!samplesToken)
            {
                End(sequence, error: null);
                continue;
            }

            var token = tokens[i] ?? throw new ArgumentException($"Row {i} of the batch has no token.", nameof(tokens));
            if (sequence.Append(token) is not null)
                End(sequence, error: null);
        }
    }

    /// <summary>Ends a waiting or running sequence whose reader has gone; false where it has ended already.</summary>
    public bool Cancel(long id)
    {
        var sequence = _queue.Find(id);
        if (sequence is null)
            return false;

        End(sequence, error: null);
        return true;
    }

    /// <summary>Ends one sequence of a batch with an error that its reader sees as a <see cref="GenerationFailedException"/>.</summary>
    public void Fail(Sequence sequence, Exception error) =>
        End(sequence, error as GenerationFailedException ?? new GenerationFailedException($"Generation failed: {error.Message}", error));

    /// <summary>The same for every sequence of a batch that has not ended.</summary>
    public void Fail(Batch batch, Exception error)
    {
        foreach (var row in batch.Rows)
            Fail(row.Sequence, error);
    }

    /// <summary>The same for all running and waiting sequences.</summary>
    public void FailAll(Exception error)
    {
        while (_queue.Any() is { } sequence)
            Fail(sequence, error);
    }

    private bool TryAdmit(Sequence next)
    {
        var needed = BlocksAhead(next);
        while (Running == _maxRunning || !_prefixes.TryHold(next, needed))
        {
            if (_queue.VictimFor(next, needed) is not { } victim)
                return false;

            Preempt(victim);
        }

        _queue.Admit(next);
        next.Clock.Admit();
        return true;
    }

    private void Grow()
    {
        _growing.Clear();
        foreach (var flow in _queue.Flows)
        {
            foreach (var sequence in flow.Running)
            {
                if (IsShort(sequence))
                    _growing.Add(sequence);
            }
        }

        foreach (var sequence in _growing)
        {
            // It may have made way for the one before.
            while (sequence.Blocks.Count > 0 && IsShort(sequence) && !TryGrow(sequence))
                Preempt(_queue.YoungestOfLargest());
        }
    }

    private bool IsShort(Sequence sequence) => _blocks.BlocksFor(sequence.Tokens.Length) > sequence.Blocks.Count;

    private bool TryGrow(Sequence sequence) =>
        _blocks.TryAllocate(BlocksAhead(sequence) - sequence.Blocks.Count, sequence.HeldBlocks)
        || _blocks.TryAllocate(1, sequence.HeldBlocks);

    private void Preempt(Sequence victim)
    {
        _prefixes.Release(victim);
        victim.Preempt();
        _queue.Preempt(victim);
        Preemptions++;
    }

    private void End(Sequence sequence, Exception? error)
    {
        if (sequence.HasEnded)
            return;

        _queue.Remove(sequence);
        _prefixes.Release(sequence);
        sequence.End(error);
    }

    private int BlocksAhead(Sequence sequence) => (int)Math.Min(
        BlocksFor(sequence.PromptLength, sequence.MaxTokens), _blocks.BlocksFor((long)sequence.Tokens.Length + _tokensAhead));

    // The last token's keys and values are never needed.
    private long BlocksFor(int promptTokens, int maxTokens) => _blocks.BlocksFor(promptTokens + Math.Max(0L, maxTokens - 1L));
}
