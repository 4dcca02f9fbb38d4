using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Scheduling;

/// <summary>
/// Continuous batching, fair across owners and adapters: <see cref="SequenceAdmission"/> lets sequences run, and <see cref="BatchBuilder"/>
/// chooses the tokens of each step.
/// </summary>
internal sealed class Scheduler
{
    // Blocks for short outputs come all at once, so that these are never short of any. A guess between blocks held for tokens that are never
    // generated and preemptions where blocks end; not measured.
    private const int DefaultTokensAhead = 256;

    private readonly PrefixCache _prefixes;
    private readonly FairQueue _queue;
    private readonly SequenceAdmission _admission;
    private readonly BatchBuilder _batches;

    /// <param name="maxNumSeqs">
    /// Most running sequences; where this is more than <paramref name="maxNumBatchedTokens"/>, that is the limit, so that a step has a
    /// token for each.
    /// </param>
    /// <param name="maxNumBatchedTokens">Most tokens in a batch.</param>
    /// <param name="blocks">The blocks of the KV cache.</param>
    /// <param name="maxLoras">Most different adapters that act in a batch.</param>
    /// <param name="cachesPrefixes">Whether sequences share what was computed before.</param>
    /// <param name="tokensAhead">For how many tokens beyond the known ones a sequence takes blocks, where they are free.</param>
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
        var maxRunning = Math.Min(maxNumSeqs, maxNumBatchedTokens);
        Blocks = blocks;
        _prefixes = new PrefixCache(blocks, cachesPrefixes);
        _queue = new FairQueue(maxRunning, blocks.Count);
        _admission = new SequenceAdmission(_queue, blocks, _prefixes, maxRunning, tokensAhead);
        _batches = new BatchBuilder(maxNumBatchedTokens, maxLoras, _prefixes);
    }

    /// <summary>The blocks of the KV cache.</summary>
    public KvBlockPool Blocks { get; }

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

    /// <inheritdoc cref="SequenceAdmission.Preemptions"/>
    public long Preemptions => _admission.Preemptions;

    /// <inheritdoc cref="SequenceAdmission.CanEverFit"/>
    public bool CanEverFit(int promptTokens, int maxTokens) => _admission.CanEverFit(promptTokens, maxTokens);

    /// <summary>Queues a sequence.</summary>
    /// <exception cref="ArgumentException">It can never fit: it would block the queue for ever.</exception>
    public void Add(Sequence sequence)
    {
        if (!CanEverFit(sequence.PromptLength, sequence.MaxTokens))
        {
            var needed = _admission.BlocksFor(sequence.PromptLength, sequence.MaxTokens);
            throw new ArgumentException($"Sequence {sequence.Id} needs {needed} KV blocks of {Blocks.Count}.", nameof(sequence));
        }

        _queue.Enqueue(sequence);
    }

    /// <summary>
    /// Makes room for the next tokens, admits what fits and chooses the tokens of the next step; empty where there is nothing to do. Valid
    /// until the next call.
    /// </summary>
    public Batch Schedule()
    {
        _admission.Grow();
        _admission.Admit();
        return _batches.Build(_queue.Flows);
    }

    /// <summary>
    /// Records that a batch is computed: gives tokens to their sequences, and ends those whose row failed. Sequences that ended since
    /// <see cref="Schedule"/> are passed over.
    /// </summary>
    /// <param name="batch">The last scheduled batch.</param>
    /// <param name="tokens">One for each row; used where <see cref="BatchRow.SamplesToken"/>.</param>
    public void Complete(Batch batch, IReadOnlyList<RowResult> tokens)
    {
        for (var i = 0; i < batch.Rows.Count; i++)
        {
            var (sequence, start, count) = batch.Rows[i];
            if (sequence.HasEnded)
                continue;

            if (tokens[i].Error is { } error)
            {
                Fail(sequence, error);
                continue;
            }

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

            var token = tokens[i].Token ?? throw new ArgumentException($"Row {i} of the batch has no token.", nameof(tokens));
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

    private void End(Sequence sequence, Exception? error)
    {
        if (sequence.HasEnded)
            return;

        _queue.Remove(sequence);
        _prefixes.Release(sequence);
        sequence.End(error);
    }
}
