namespace LoraServe.Engine.Generation;

/// <summary>
/// Continuous batching with chunked prefill. A sequence is admitted when the KV blocks for its longest output are free, so that a running
/// one never waits for memory; waiting ones are admitted strictly in the order of <see cref="FairQueue"/>, so that a large one is not
/// overtaken for ever.
/// </summary>
internal sealed class Scheduler
{
    private readonly int _maxRunning;
    private readonly int _maxTokens;
    private readonly KvBlockPool _blocks;
    private readonly FairQueue _waiting = new();
    private readonly List<Sequence> _running = []; // in order of admission

    /// <param name="maxNumSeqs">
    /// Most running sequences; where this is more than <paramref name="maxNumBatchedTokens"/>, that is the limit, so that a step has a
    /// token for each.
    /// </param>
    /// <param name="maxNumBatchedTokens">Most tokens in a batch.</param>
    /// <param name="blocks">The blocks of the KV cache.</param>
    public Scheduler(int maxNumSeqs, int maxNumBatchedTokens, KvBlockPool blocks)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNumSeqs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNumBatchedTokens);
        _maxRunning = Math.Min(maxNumSeqs, maxNumBatchedTokens);
        _maxTokens = maxNumBatchedTokens;
        _blocks = blocks;
    }

    /// <summary>Sequences that hold KV blocks.</summary>
    public int Running => _running.Count;

    /// <summary>Sequences that wait for admission.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Whether any sequence is waiting or running.</summary>
    public bool HasWork => Running + Waiting > 0;

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

        _waiting.Enqueue(sequence);
    }

    /// <summary>Admits what fits and chooses the tokens of the next step; empty where there is nothing to do.</summary>
    public Batch Schedule()
    {
        Admit();
        var rows = new List<BatchRow>(_running.Count);
        foreach (var sequence in _running.Where(sequence => !sequence.IsPrefilling))
            rows.Add(new BatchRow(sequence, sequence.ComputedTokens, 1));
        AddPrefill(rows, _maxTokens - rows.Count);

        // GroupBy keeps the order within a group, and groups in order of their first row.
        return new Batch([.. rows.GroupBy(row => row.Sequence.AdapterVersion, StringComparer.Ordinal).SelectMany(group => group)]);
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
            if (sequence.IsPrefilling)
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
        var sequence = _waiting.Remove(id) ?? _running.Find(running => running.Id == id);
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
        while (_waiting.Count > 0)
            Fail(_waiting.Dequeue(), error);
        while (_running.Count > 0)
            Fail(_running[^1], error);
    }

    private void Admit()
    {
        while (_running.Count < _maxRunning
            && _waiting.Peek() is { } next
            && _blocks.TryAllocate((int)BlocksFor(next.PromptLength, next.MaxTokens), next.HeldBlocks))
        {
            _running.Add(_waiting.Dequeue());
        }
    }

    // Adapters share the budget: those that need the least come first, and each takes at most an equal part of what is left. There is a
    // token for each, because the running sequences are never more than the budget.
    private void AddPrefill(List<BatchRow> rows, int budget)
    {
        var adapters = _running
            .Where(sequence => sequence.IsPrefilling)
            .GroupBy(sequence => sequence.AdapterVersion, StringComparer.Ordinal)
            .OrderBy(adapter => adapter.Sum(sequence => (long)sequence.PromptLength - sequence.ComputedTokens))
            .ToList();
        for (var i = 0; i < adapters.Count; i++)
        {
            var share = budget / (adapters.Count - i);
            foreach (var sequence in adapters[i])
            {
                var count = Math.Min(share, sequence.PromptLength - sequence.ComputedTokens);
                if (count == 0)
                    break;

                rows.Add(new BatchRow(sequence, sequence.ComputedTokens, count));
                share -= count;
                budget -= count;
            }
        }
    }

    private void End(Sequence sequence, Exception? error)
    {
        if (sequence.HasEnded)
            return;

        _running.Remove(sequence);
        _blocks.Free(sequence.HeldBlocks);
        sequence.End(error);
    }

    // The last token's keys and values are never needed.
    private long BlocksFor(int promptTokens, int maxTokens) => _blocks.BlocksFor(promptTokens + Math.Max(0L, maxTokens - 1L));
}
