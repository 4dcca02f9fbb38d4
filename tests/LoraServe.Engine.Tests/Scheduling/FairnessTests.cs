using FsCheck.Xunit;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Tests.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Scheduling;

/// <summary>What the scheduler promises adapters about each other, under full load and with a clock that the batches move.</summary>
public sealed class FairnessTests
{
    private const int BlockSize = 4;

    private static readonly SampledToken Token = new(5, Logprobs: null);

    private long _lastId;

    [Fact]
    public void Schedule_HotAdapterHasEveryPlace_TheRareOneIsComputedInTheNextStep()
    {
        var scheduler = new Scheduler(8, 64, new KvBlockPool(1000, BlockSize));
        var hot = Enumerable.Range(0, 20).Select(_ => Add(scheduler, "hot", 20, 30)).ToList();
        for (var i = 0; i < 10; i++) Step(scheduler);

        var rare = Add(scheduler, "rare", 20, 3);
        var batch = Step(scheduler);

        batch.Rows.ShouldContain(row => row.Sequence == rare.Sequence);
        (scheduler.Running, scheduler.Preemptions).ShouldBe((8, 1L));
        hot[7].Sequence.Blocks.ShouldBeEmpty("the youngest makes way");
        RunToTheEnd(scheduler);
        rare.Read().Count.ShouldBe(3);
        hot.ShouldAllBe(submitted => submitted.Read().Count == 30 && submitted.Releases == 1);
    }

    [Fact]
    public void Schedule_OneOwnerHasEveryPlace_AnotherOnTheSameAdapterIsComputedInTheNextStep()
    {
        var scheduler = new Scheduler(8, 64, new KvBlockPool(1000, BlockSize));
        for (var id = 0; id < 256; id++) scheduler.Add(SubmittedSequence.OfLength(20, 300, ++_lastId, "same", owner: "flood").Sequence);
        for (var i = 0; i < 10; i++) Step(scheduler);

        var other = SubmittedSequence.OfLength(20, 3, ++_lastId, "same", owner: "other");
        scheduler.Add(other.Sequence);
        var batch = Step(scheduler);

        batch.Rows.ShouldContain(row => row.Sequence == other.Sequence);
        for (var i = 0; i < 3; i++) Step(scheduler);
        other.Read().Count.ShouldBe(3);
    }

    [Fact]
    public void Schedule_HotAdapterHasEveryBlock_TheRareOneIsComputedInTheNextStep()
    {
        var pool = new KvBlockPool(40, BlockSize);
        var scheduler = new Scheduler(64, 64, pool);
        for (var i = 0; i < 20; i++) Add(scheduler, "hot", 10, 10);
        for (var i = 0; i < 5; i++) Step(scheduler);
        pool.Used.ShouldBe(40);

        var rare = Add(scheduler, "rare", 40, 3);

        Step(scheduler).Rows.ShouldContain(row => row.Sequence == rare.Sequence);
        scheduler.Preemptions.ShouldBe(3, "eleven blocks are needed, and each holds five at most");
    }

    [Fact]
    public void Schedule_BothAdaptersFlood_NobodyIsPreemptedOnceTheyShare()
    {
        var scheduler = new Scheduler(8, 64, new KvBlockPool(1000, BlockSize));
        for (var i = 0; i < 50; i++) Add(scheduler, "a", 10, 20);
        Step(scheduler);
        for (var i = 0; i < 50; i++) Add(scheduler, "b", 10, 20);

        RunToTheEnd(scheduler);

        scheduler.Preemptions.ShouldBe(4);
    }

    [Fact]
    public async Task Schedule_PreemptedAmidAndAfterItsPrompt_TellsEachLogprobAndTokenOnce()
    {
        foreach (var steps in (int[])[1, 3])
        {
            var scheduler = new Scheduler(2, 8, new KvBlockPool(100, BlockSize));
            Add(scheduler, "hot", 4, 20);
            var asked = new SubmittedSequence([.. Enumerable.Range(50, 10)], new SamplingParams { MaxTokens = 6, PromptLogprobs = 0 }, ++_lastId, "hot");
            scheduler.Add(asked.Sequence);
            for (var i = 0; i < steps; i++) Step(scheduler);
            Add(scheduler, "rare", 3, 3);

            RunToTheEnd(scheduler);

            scheduler.Preemptions.ShouldBe(1);
            (await asked.PromptLogprobs).Select(logprobs => logprobs?.Logprob).ShouldBe([null, .. Enumerable.Range(0, 9).Select(i => -(float)i)]);
            asked.Read().Count.ShouldBe(6);
            asked.Sequence.CachedTokens.ShouldBe(0, "what it computed itself was not cached when it came");
        }
    }

    [Fact]
    public void Schedule_PreemptedSequence_GoesOnFromWhatIsStillCached()
    {
        var scheduler = new Scheduler(2, 64, new KvBlockPool(100, BlockSize));
        Add(scheduler, "hot", 4, 40);
        var resumed = Add(scheduler, "hot", 18, 12);
        for (var i = 0; i < 5; i++) Step(scheduler);
        Add(scheduler, "rare", 4, 2);
        Step(scheduler);
        resumed.Sequence.Blocks.ShouldBeEmpty();
        Step(scheduler);

        var row = Step(scheduler).Rows.Single(row => row.Sequence == resumed.Sequence);

        (row.Start, row.Count).ShouldBe((20, 3), "18 of the prompt and 5 generated, of which 22 were computed");
    }

    [Fact]
    public void Schedule_ThreeTimesTheWeight_GetsThreeTimesTheTokens()
    {
        var scheduler = new Scheduler(16, 64, new KvBlockPool(2000, BlockSize));
        for (var i = 0; i < 100; i++)
        {
            Add(scheduler, "heavy", 200, 20, weight: 3);
            Add(scheduler, "light", 200, 20);
        }

        var tokens = new Dictionary<string, int> { ["heavy"] = 0, ["light"] = 0 };
        for (var i = 0; i < 200; i++)
        {
            foreach (var row in Step(scheduler).Rows) tokens[row.Sequence.AdapterVersion.Value] += row.Count;
        }

        ((double)tokens["heavy"] / tokens["light"]).ShouldBe(3, tolerance: 0.1);
    }

    [Fact]
    public void Schedule_DecodesOfOneAdapter_LeaveTheOtherMoreOfThePrefill()
    {
        var scheduler = new Scheduler(64, 64, new KvBlockPool(2000, BlockSize));
        for (var i = 0; i < 20; i++) Add(scheduler, "a", 1, 100);
        Step(scheduler);
        Add(scheduler, "a", 2000, 1);
        Add(scheduler, "b", 2000, 1);

        var rows = Enumerable.Range(0, 20).SelectMany(_ => Step(scheduler).Rows).ToList();

        var ofA = rows.Where(row => row.Sequence.AdapterVersion.Value == "a").Sum(row => row.Count);
        ((double)ofA / rows.Sum(row => row.Count)).ShouldBe(0.5, tolerance: 0.02);
    }

    [Fact]
    public void Schedule_MoreAdaptersThanMaxLoras_EachGetsItsTurnInEqualParts()
    {
        var scheduler = new Scheduler(16, 64, new KvBlockPool(1000, BlockSize), maxLoras: 3);
        foreach (var adapter in (string[])["a", "b", "c", "d", "e", "f", "base"]) Add(scheduler, adapter, 5, 100);

        var counts = Enumerable.Range(0, 60).SelectMany(_ => Step(scheduler).Rows).CountBy(row => row.Sequence.AdapterVersion).ToDictionary();

        counts[new AdapterVersionId("base")].ShouldBe(60);
        counts.Where(count => count.Key.Value != "base").ShouldAllBe(count => count.Value == 30);
    }

    // Time is counted in tokens: a batch takes as long as it has tokens. The rare request comes while a batch is computed.
    [Property]
    public void Schedule_OneAdapterAtFullLoad_AnotherWaitsTwoBatchesAtMost(
        byte seqs, byte budget, byte blocks, (byte Prompt, byte Tokens)[] hot, (byte Gap, byte Prompt, byte Tokens)[] rare)
    {
        var pool = new KvBlockPool(80 + blocks, BlockSize);
        var scheduler = new Scheduler(2 + (seqs % 20), 4 + (budget % 60), pool);
        var served = 0;
        foreach (var (gap, prompt, tokens) in rare)
        {
            for (var i = 0; i < 1 + (gap % 40); i++)
            {
                while (hot.Length > 0 && scheduler.Waiting < 30)
                    AddHot();
                Step(scheduler);
            }

            var before = scheduler.Schedule(); // it comes while this one is computed
            var submitted = Add(scheduler, "rare", 1 + (prompt % 40), 1 + (tokens % 10));
            scheduler.Complete(before, Tokens(before));
            var batch = Step(scheduler);

            var row = batch.Rows.Single(row => row.Sequence == submitted.Sequence);
            row.Start.ShouldBe(0);
            var waited = before.TokenCount + batch.TokenCount; // at most: from the start of that one to the end of its own
            waited.ShouldBeLessThanOrEqualTo(2 * (4 + (budget % 60)));
            while (!submitted.Sequence.HasEnded)
                Step(scheduler);
        }

        void AddHot()
        {
            var (prompt, tokens) = hot[served++ % hot.Length];
            Add(scheduler, "hot", 1 + (prompt % 20), tokens % 20);
        }
    }

    private SubmittedSequence Add(Scheduler scheduler, string adapter, int promptLength, int maxTokens, double weight = 1)
    {
        var submitted = SubmittedSequence.OfLength(promptLength, maxTokens, ++_lastId, adapter, weight);
        scheduler.Add(submitted.Sequence);
        return submitted;
    }

    private static Batch Step(Scheduler scheduler)
    {
        var batch = scheduler.Schedule();
        foreach (var row in batch.Rows)
        {
            for (var i = 0; i < row.PromptLogprobCount; i++)
                row.Sequence.AddPromptLogprobs(new TokenLogprobs(-row.Start - i, []));
        }

        var rows = new Batch(batch.Rows); // the next step refills the batch
        scheduler.Complete(batch, Tokens(batch));
        return rows;
    }

    private static List<RowResult> Tokens(Batch batch) => [.. batch.Rows.Select(row => new RowResult(row.SamplesToken ? Token : null))];

    private static void RunToTheEnd(Scheduler scheduler)
    {
        for (var step = 0; scheduler.HasWork; step++)
        {
            step.ShouldBeLessThan(10_000);
            Step(scheduler);
        }
    }
}
