using FsCheck.Xunit;
using LoraServe.Engine.Generation;
using Shouldly;

namespace LoraServe.Engine.Tests.Generation;

/// <summary>What holds for any arrivals, lengths, cancellations, failures and budgets.</summary>
public sealed class SchedulerPropertyTests
{
    /// <param name="Step">When it arrives.</param>
    /// <param name="CancelAfter">Steps until its reader goes away; 0: never.</param>
    private sealed record Arrival(long Id, string Adapter, int Step, int PromptLength, int MaxTokens, int CancelAfter, bool Fails, SubmittedSequence Submitted);

    [Property]
    public void Run_AnyWorkload_KeepsEveryPromise(byte seqs, byte budget, byte blocks, (byte Adapter, byte Step, byte Prompt, byte Tokens, byte Cancel, byte Fails)[] work)
    {
        var pool = new KvBlockPool(4 + (blocks % 40), blockSize: 4);
        var (maxSeqs, maxTokens) = (1 + (seqs % 8), 1 + (budget % 24));
        var scheduler = new Scheduler(maxSeqs, maxTokens, pool);
        var arrivals = work.Select((item, id) => ArrivalOf(id, item)).Where(arrival => scheduler.CanEverFit(arrival.PromptLength, arrival.MaxTokens)).ToList();
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
            CheckRows(batch, computed);
            CheckBlocks(arrivals, pool);
            foreach (var arrival in arrivals.Where(arrival => arrival.Submitted.Sequence.Blocks.Count > 0))
                admittedAt.TryAdd(arrival, step);
            CheckEveryAdapterAdvances(arrivals, batch);
            foreach (var row in batch.Rows.Where(row => row.SamplesToken && arrivals.Single(arrival => arrival.Id == row.Sequence.Id).Fails))
                scheduler.Fail(row.Sequence, new InvalidOperationException("broken"));
            scheduler.Complete(batch, [.. batch.Rows.Select(Choose)]);
        }

        pool.Used.ShouldBe(0);
        CheckOrder(admittedAt);
        foreach (var arrival in arrivals)
            CheckEnd(arrival, computed.GetValueOrDefault(arrival.Id));
    }

    private static Arrival ArrivalOf(int id, (byte Adapter, byte Step, byte Prompt, byte Tokens, byte Cancel, byte Fails) item)
    {
        var adapter = $"adapter{item.Adapter % 4}";
        var (prompt, tokens) = (1 + (item.Prompt % 50), item.Tokens % 20);
        var cancelAfter = item.Cancel % 3 == 0 ? 1 + (item.Cancel % 25) : 0;
        return new Arrival(id, adapter, item.Step % 30, prompt, tokens, cancelAfter, item.Fails % 8 == 1, SubmittedSequence.OfLength(prompt, tokens, id, adapter));
    }

    // A token that tells sequence and position; every tenth is the end.
    private static SampledToken? Choose(BatchRow row)
    {
        if (!row.SamplesToken)
            return null;

        var number = row.Sequence.Id + row.Sequence.GeneratedCount;
        return new SampledToken(number % 10 == 9 ? SubmittedSequence.Eos : 100 + (int)number, Logprobs: null);
    }

    private static void CheckRows(Batch batch, Dictionary<long, int> computed)
    {
        batch.Rows.Select(row => row.Sequence.Id).ShouldBeUnique();
        foreach (var (sequence, start, count) in batch.Rows)
        {
            start.ShouldBe(computed.GetValueOrDefault(sequence.Id), "no token is computed twice or skipped");
            count.ShouldBePositive();
            (start + count).ShouldBeLessThanOrEqualTo(sequence.Tokens.Length);
            (start + count).ShouldBeLessThanOrEqualTo(sequence.Blocks.Count * 4, "its keys and values have a place");
            computed[sequence.Id] = start + count;
        }

        var runs = batch.Rows.Where((row, i) => i == 0 || batch.Rows[i - 1].Sequence.AdapterVersion != row.Sequence.AdapterVersion).Count();
        runs.ShouldBe(batch.Rows.DistinctBy(row => row.Sequence.AdapterVersion).Count(), "rows of one adapter are adjacent");
    }

    private static void CheckBlocks(List<Arrival> arrivals, KvBlockPool pool)
    {
        var held = arrivals.SelectMany(arrival => arrival.Submitted.Sequence.Blocks).ToList();
        held.ShouldBeUnique();
        pool.Used.ShouldBe(held.Count);
    }

    // No starvation among the running: each decode gets its token, and each adapter that prefills gets some.
    private static void CheckEveryAdapterAdvances(List<Arrival> arrivals, Batch batch)
    {
        var scheduled = batch.Rows.Select(row => row.Sequence).ToHashSet();
        var running = arrivals.Select(arrival => arrival.Submitted.Sequence).Where(sequence => sequence.Blocks.Count > 0).ToList();
        running.Where(sequence => !sequence.IsPrefilling).ShouldAllBe(sequence => scheduled.Contains(sequence));
        foreach (var adapter in running.Where(sequence => sequence.IsPrefilling).GroupBy(sequence => sequence.AdapterVersion))
            adapter.ShouldContain(sequence => scheduled.Contains(sequence));
    }

    // Within an adapter nobody overtakes; sequences that arrive in one step are added in the order of their ids.
    private static void CheckOrder(Dictionary<Arrival, int> admittedAt)
    {
        foreach (var adapter in admittedAt.GroupBy(admission => admission.Key.Adapter))
            adapter.OrderBy(admission => (admission.Key.Step, admission.Key.Id)).Select(admission => admission.Value).ShouldBeInOrder();
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
