using FsCheck.Xunit;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Sequences;
using Shouldly;

namespace LoraServe.Engine.Tests.Scheduling;

/// <summary>What holds for any arrivals, lengths, shared prefixes, cancellations, failures and budgets.</summary>
public sealed class SchedulerPropertyTests
{
    private const int BlockSize = 4;
    private static readonly int[] Invocation = [21, 22];

    /// <param name="Step">When it arrives.</param>
    /// <param name="CancelAfter">Steps until its reader goes away; 0: never.</param>
    private sealed record Arrival(long Id, int Step, int PromptLength, int MaxTokens, int CancelAfter, bool Fails, SubmittedSequence Submitted);

    [Property]
    public void Run_AnyWorkload_KeepsEveryPromise(
        byte seqs, byte budget, byte blocks, byte loras, byte ahead, bool cached, (byte Adapter, byte Step, byte Prompt, byte Tokens, byte Cancel, byte Fails)[] work)
    {
        var pool = new KvBlockPool(4 + (blocks % 40), BlockSize);
        var (maxSeqs, maxTokens, maxLoras) = (1 + (seqs % 8), 1 + (budget % 24), 1 + (loras % 5));
        var scheduler = new Scheduler(maxSeqs, maxTokens, pool, maxLoras, cached, ahead % 20);
        var arrivals = work.Select((item, id) => ArrivalOf(id, item)).Where(arrival => scheduler.CanEverFit(arrival.PromptLength, arrival.MaxTokens)).ToList();
        var memory = new string[pool.Count * BlockSize];
        var computed = new Dictionary<long, int>();
        var admittedAt = new Dictionary<Arrival, int>();
        for (var step = 0; step <= 30 || scheduler.Running + scheduler.Waiting > 0; step++)
        {
            step.ShouldBeLessThan(20_000);
            foreach (var arrival in arrivals.Where(arrival => arrival.Step == step))
                scheduler.Add(arrival.Submitted.Sequence);
            foreach (var arrival in arrivals.Where(arrival => arrival.CancelAfter > 0 && arrival.Step + arrival.CancelAfter == step))
                scheduler.Cancel(arrival.Id);
            var hasWork = scheduler.Running + scheduler.Waiting > 0;

            var batch = scheduler.Schedule();

            (batch.Rows.Count > 0).ShouldBe(hasWork);
            batch.TokenCount.ShouldBeLessThanOrEqualTo(maxTokens);
            scheduler.Running.ShouldBeLessThanOrEqualTo(maxSeqs);
            CheckRows(batch, maxLoras, cached);
            CheckBlocks(arrivals, pool);
            foreach (var arrival in arrivals.Where(arrival => arrival.Submitted.Sequence.Blocks.Count > 0))
                admittedAt.TryAdd(arrival, step);
            CheckEveryAdapterAdvances(arrivals, batch, maxTokens, maxLoras);
            foreach (var row in batch.Rows)
                Compute(row, pool, memory);
            foreach (var row in batch.Rows.Where(row => row.SamplesToken && arrivals.Single(arrival => arrival.Id == row.Sequence.Id).Fails))
            {
                Array.Fill(memory, "broken", row.Sequence.Blocks[row.Start / BlockSize] * BlockSize + (row.Start % BlockSize), 1);
                scheduler.Fail(row.Sequence, new InvalidOperationException("broken"));
            }

            scheduler.Complete(batch, [.. batch.Rows.Select(row => new RowResult(Choose(row)))]);
            foreach (var row in batch.Rows) computed[row.Sequence.Id] = Math.Max(computed.GetValueOrDefault(row.Sequence.Id), row.Start + row.Count);
        }

        pool.Used.ShouldBe(0);
        scheduler.PrefixCacheHits.ShouldBe(arrivals.Sum(arrival => arrival.Submitted.Sequence.CachedTokens));
        if (!cached) (scheduler.PrefixCacheHits, pool.Cached).ShouldBe((0L, 0));
        CheckOrder(admittedAt);
        foreach (var arrival in arrivals)
            CheckEnd(arrival, computed.GetValueOrDefault(arrival.Id));
    }

    // Prompts of a few families, so that prefixes are shared; adapter 0 is the base, 4 an activated LoRA, which some prompts invoke.
    private static Arrival ArrivalOf(int id, (byte Adapter, byte Step, byte Prompt, byte Tokens, byte Cancel, byte Fails) item)
    {
        var adapter = item.Adapter % 5 == 0 ? "base" : $"adapter{item.Adapter % 5}";
        var (length, tokens) = (1 + (item.Prompt % 50), item.Tokens % 20);
        var cancelAfter = item.Cancel % 3 == 0 ? 1 + (item.Cancel % 25) : 0;
        var prompt = Enumerable.Range(0, length).Select(i => 10 + (i * (1 + (item.Step % 2)) % 7)).ToArray();
        if (item.Fails % 2 == 0 && length > 12)
            Invocation.CopyTo(prompt, item.Cancel % (length - 2));
        var submitted = new SubmittedSequence(
            prompt,
            new SamplingParams { MaxTokens = tokens },
            id,
            adapter,
            weight: adapter == "adapter1" ? 3 : 1,
            invocation: adapter == "adapter4" ? Invocation : [],
            salt: item.Cancel % 4 == 0 ? "tenant" : "",
            arrival: 1 + (item.Step % 30 * 1000) + id,
            owner: item.Tokens % 3 == 0 ? "other" : "",
            name: adapter is "adapter2" or "adapter3" && item.Prompt % 2 == 0 ? "x:0.5,y:0.5" : null);
        return new Arrival(id, item.Step % 30, length, tokens, cancelAfter, item.Fails % 8 == 1, submitted);
    }

    // A token that tells sequence and position; every tenth is the end.
    private static SampledToken? Choose(BatchRow row)
    {
        if (!row.SamplesToken)
            return null;

        var number = row.Sequence.Id + row.Sequence.GeneratedCount;
        return new SampledToken(number % 10 == 9 ? SubmittedSequence.Eos : 100 + (int)number, Logprobs: null);
    }

    private static void CheckRows(Batch batch, int maxLoras, bool cached)
    {
        batch.Rows.Select(row => row.Sequence.Id).ShouldBeUnique();
        foreach (var (sequence, start, count) in batch.Rows)
        {
            start.ShouldBe(sequence.ComputedTokens, "no token is skipped");
            if (!cached && !sequence.IsResumed) sequence.CachedTokens.ShouldBe(0);
            count.ShouldBePositive();
            (start + count).ShouldBeLessThanOrEqualTo(sequence.Tokens.Length);
            (start + count).ShouldBeLessThanOrEqualTo(sequence.Blocks.Count * BlockSize, "its keys and values have a place");
        }

        var runs = batch.Rows.Where((row, i) => i == 0 || batch.Rows[i - 1].Sequence.AdapterVersion != row.Sequence.AdapterVersion).Count();
        runs.ShouldBe(batch.Rows.DistinctBy(row => row.Sequence.AdapterVersion).Count(), "rows of one adapter are adjacent");
        Acting(batch).Count.ShouldBeLessThanOrEqualTo(maxLoras);
    }

    private static HashSet<string> Acting(Batch batch) =>
        [.. batch.Rows.Where(row => row.Start + row.Count > row.Sequence.AdapterStart).Select(row => row.Sequence.AdapterVersion.Value)];

    // What the model does, with words for keys and values: it reads those of all tokens before, and writes those of the new ones.
    private static void Compute(BatchRow row, KvBlockPool pool, string[] memory)
    {
        var sequence = row.Sequence;
        var word = sequence.Request.CacheSalt;
        for (var position = 0; position < row.Start + row.Count; position++)
        {
            word = $"{word} {sequence.Tokens[position]}{(position < sequence.AdapterStart ? "" : sequence.AdapterVersion)}";
            var block = sequence.Blocks[position / BlockSize];
            if (position < row.Start)
            {
                memory[(block * BlockSize) + (position % BlockSize)].ShouldBe(word, "what it reads was computed from the same tokens by the same adapter");
                continue;
            }

            pool.Holders(block).ShouldBe(1, "nobody else sees a block that is being written");
            memory[(block * BlockSize) + (position % BlockSize)] = word;
        }
    }

    private static void CheckBlocks(List<Arrival> arrivals, KvBlockPool pool)
    {
        var holders = new int[pool.Count];
        foreach (var block in arrivals.SelectMany(arrival => arrival.Submitted.Sequence.Blocks))
            holders[block]++;
        Enumerable.Range(0, pool.Count).Select(pool.Holders).ShouldBe(holders);
        pool.Used.ShouldBe(holders.Count(count => count > 0));
        (pool.Used + pool.Cached).ShouldBeLessThanOrEqualTo(pool.Count);
    }

    // No starvation among the running where all adapters may act: each decode gets its token, and each flow that prefills gets some.
    private static void CheckEveryAdapterAdvances(List<Arrival> arrivals, Batch batch, int maxTokens, int maxLoras)
    {
        var running = arrivals.Select(arrival => arrival.Submitted.Sequence).Where(sequence => sequence.Blocks.Count > 0).ToList();
        var mayAct = running.Where(sequence => sequence.ComputedTokens + Math.Min(sequence.PendingTokens, maxTokens) > sequence.AdapterStart);
        if (mayAct.DistinctBy(sequence => sequence.AdapterVersion).Count() > maxLoras)
            return;

        var scheduled = batch.Rows.Select(row => row.Sequence).ToHashSet();
        running.Where(sequence => !sequence.IsPrefilling).ShouldAllBe(sequence => scheduled.Contains(sequence));
        foreach (var flow in running.Where(sequence => sequence.IsPrefilling).GroupBy(sequence => sequence.Flow))
            flow.ShouldContain(sequence => scheduled.Contains(sequence));
    }

    // Within an owner's share of an adapter nobody overtakes; sequences that arrive in one step are added in the order of their ids.
    private static void CheckOrder(Dictionary<Arrival, int> admittedAt)
    {
        foreach (var flow in admittedAt.GroupBy(admission => admission.Key.Submitted.Sequence.Flow))
            flow.OrderBy(admission => (admission.Key.Step, admission.Key.Id)).Select(admission => admission.Value).ShouldBeInOrder();
    }

    private static void CheckEnd(Arrival arrival, int computed)
    {
        var submitted = arrival.Submitted;
        submitted.Releases.ShouldBe(1);
        submitted.Sequence.HasEnded.ShouldBeTrue();
        var tokens = submitted.Read();
        submitted.Completion.IsCompleted.ShouldBeTrue();
        var expected = Enumerable.Range(0, arrival.MaxTokens).Select(i => (arrival.Id + i) % 10 == 9 ? SubmittedSequence.Eos : 100 + (int)arrival.Id + i);
        tokens.Select(token => token.TokenId).ShouldBe(expected.Take(tokens.Count));
        if (arrival.CancelAfter > 0 || arrival.Fails)
            return;

        var stop = tokens.FindIndex(token => token.TokenId == SubmittedSequence.Eos);
        tokens.Count.ShouldBe(stop >= 0 ? stop + 1 : arrival.MaxTokens);
        computed.ShouldBe(arrival.PromptLength + Math.Max(0, tokens.Count - 1));
        tokens.Select(token => token.FinishReason).Where(reason => reason is not null)
            .ShouldBe(arrival.MaxTokens == 0 ? [] : [stop >= 0 ? FinishReason.Stop : FinishReason.Length]);
    }
}
