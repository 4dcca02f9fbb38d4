using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Scheduling;

public sealed class SchedulerTests
{
    private static readonly SampledToken Token = new(5, Logprobs: null);

    private readonly KvBlockPool _blocks = new(100, blockSize: 4);

    [Fact]
    public void Schedule_LongPrompt_IsPrefilledInChunksAndDecodedTokenByToken()
    {
        var scheduler = new Scheduler(8, 5, _blocks);
        var submitted = Add(scheduler, promptLength: 12, maxTokens: 3);

        var steps = Run(scheduler);

        steps.SelectMany(batch => batch.Rows).Select(row => (row.Start, row.Count)).ShouldBe([(0, 5), (5, 5), (10, 2), (12, 1), (13, 1)]);
        submitted.Read().Select(token => token.FinishReason).ShouldBe([null, null, FinishReason.Length]);
        submitted.Completion.IsCompletedSuccessfully.ShouldBeTrue();
        submitted.Releases.ShouldBe(1);
        _blocks.Used.ShouldBe(0);
    }

    [Fact]
    public void Schedule_DecodeAndPrefill_DecodesFirstAndFillsTheRest()
    {
        var scheduler = new Scheduler(8, 6, _blocks);
        Add(scheduler, promptLength: 2, maxTokens: 9, id: 1);
        Add(scheduler, promptLength: 2, maxTokens: 9, id: 2);
        Step(scheduler);
        Add(scheduler, promptLength: 10, maxTokens: 9, id: 3);

        Step(scheduler).Rows.Select(row => (row.Sequence.Id, row.Count)).ShouldBe([(1, 1), (2, 1), (3, 4)]);
    }

    [Fact]
    public void Schedule_TwoAdaptersPrefill_ShareTheBudget()
    {
        var scheduler = new Scheduler(8, 10, _blocks);
        Add(scheduler, promptLength: 40, maxTokens: 1, id: 1, adapter: "a");
        Add(scheduler, promptLength: 40, maxTokens: 1, id: 2, adapter: "a");
        Add(scheduler, promptLength: 30, maxTokens: 1, id: 3, adapter: "b");
        Add(scheduler, promptLength: 2, maxTokens: 1, id: 4, adapter: "c");

        Step(scheduler).Rows.Select(row => (row.Sequence.Id, row.Count)).ShouldBe([(1, 4), (3, 4), (4, 2)]);
    }

    [Fact]
    public void Schedule_SamePromptManyTimesAtOnce_IsComputedOnce()
    {
        var scheduler = new Scheduler(8, 100, _blocks);
        var all = Enumerable.Range(1, 4).Select(id => new SubmittedSequence([.. Enumerable.Range(10, 18)], new SamplingParams { MaxTokens = 3 }, id)).ToList();
        foreach (var submitted in all) scheduler.Add(submitted.Sequence);

        var steps = Run(scheduler);

        steps[0].Rows.Select(row => (row.Sequence.Id, row.Count)).ShouldBe([(1, 18)]);
        steps[1].Rows.Select(row => (row.Sequence.Id, row.Start, row.Count)).ShouldBe([(1, 18, 1), (2, 16, 2), (3, 16, 2), (4, 16, 2)]);
        all.ShouldAllBe(submitted => submitted.Read().Count == 3);
        scheduler.PrefixCacheHits.ShouldBe(48);
    }

    [Fact]
    public void Schedule_SamePromptWhereNothingIsCached_IsComputedByEach()
    {
        var scheduler = new Scheduler(8, 100, _blocks, cachesPrefixes: false);
        for (var id = 1; id <= 4; id++)
            scheduler.Add(new SubmittedSequence([.. Enumerable.Range(10, 18)], new SamplingParams { MaxTokens = 3 }, id).Sequence);

        Step(scheduler).TokenCount.ShouldBe(72);
    }

    [Fact]
    public void Schedule_MixedAdapters_PutsRowsOfOneAdapterSideBySide()
    {
        var scheduler = new Scheduler(8, 100, _blocks);
        foreach (var (id, adapter) in new[] { (1, "a"), (2, "b"), (3, "a"), (4, "base"), (5, "b") })
            Add(scheduler, promptLength: 3, maxTokens: 9, id, adapter);
        Step(scheduler);

        Step(scheduler).Rows.Select(row => row.Sequence.AdapterVersion).ShouldBe([new AdapterVersionId("a"), new AdapterVersionId("a"), new AdapterVersionId("b"), new AdapterVersionId("b"), new AdapterVersionId("base")]);
    }

    [Fact]
    public void Schedule_MoreSequencesThanBudget_RunsOnlyAsManyAsGetATokenEachStep()
    {
        var scheduler = new Scheduler(64, 3, _blocks);
        for (var id = 0; id < 6; id++)
            Add(scheduler, promptLength: 1, maxTokens: 4, id);

        Step(scheduler).Rows.Count.ShouldBe(3);

        scheduler.Running.ShouldBe(3);
        scheduler.Waiting.ShouldBe(3);
    }

    [Fact]
    public void Schedule_NextDoesNotFitYet_IsNotOvertaken()
    {
        var scheduler = new Scheduler(8, 100, new KvBlockPool(10, blockSize: 4));
        Add(scheduler, promptLength: 20, maxTokens: 5, id: 1);
        Add(scheduler, promptLength: 20, maxTokens: 5, id: 2, adapter: "large");
        Add(scheduler, promptLength: 1, maxTokens: 1, id: 3, adapter: "small");

        Step(scheduler).Rows.Select(row => row.Sequence.Id).ShouldBe([1]);

        scheduler.Waiting.ShouldBe(2);
        Run(scheduler);
        scheduler.Waiting.ShouldBe(0);
    }

    [Fact]
    public void Schedule_LongOutputs_RunTogetherAndTakeTurnsWhereMemoryEnds()
    {
        var scheduler = new Scheduler(8, 100, new KvBlockPool(10, blockSize: 4), tokensAhead: 4);
        var all = Enumerable.Range(1, 3).Select(id => Add(scheduler, promptLength: 4, maxTokens: 30, id)).ToList();

        Step(scheduler).Rows.Count.ShouldBe(3);
        Run(scheduler);

        all.ShouldAllBe(submitted => submitted.Read().Count == 30);
        scheduler.Preemptions.ShouldBePositive();
    }

    [Theory]
    [InlineData(40, 0, true)]
    [InlineData(41, 0, false)]
    [InlineData(1, 40, true)]
    [InlineData(2, 40, false)]
    [InlineData(int.MaxValue, int.MaxValue, false)]
    public void CanEverFit_Lengths_CountsEveryTokenButTheLast(int promptTokens, int maxTokens, bool fits) =>
        new Scheduler(8, 100, new KvBlockPool(10, blockSize: 4)).CanEverFit(promptTokens, maxTokens).ShouldBe(fits);

    [Fact]
    public void Add_CanNeverFit_Throws()
    {
        var scheduler = new Scheduler(8, 100, new KvBlockPool(1, blockSize: 4));

        Should.Throw<ArgumentException>(() => Add(scheduler, promptLength: 5, maxTokens: 1)).Message.ShouldContain("needs 2 KV blocks of 1");
    }

    [Fact]
    public async Task Complete_MaxTokensZero_EndsAfterThePromptWithoutToken()
    {
        var scheduler = new Scheduler(8, 5, _blocks);
        var submitted = Add(scheduler, promptLength: 7, maxTokens: 0);

        var rows = Run(scheduler).SelectMany(batch => batch.Rows).ToList();

        rows.Select(row => row.Count).ShouldBe([5, 2]);
        rows.ShouldAllBe(row => row.LogitsCount == 0);
        submitted.Read().ShouldBeEmpty();
        submitted.Completion.IsCompletedSuccessfully.ShouldBeTrue();
        (await submitted.PromptLogprobs).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Complete_PromptLogprobs_AreCompleteBeforeTheFirstToken(int maxTokens)
    {
        var scheduler = new Scheduler(8, 3, _blocks);
        var submitted = Add(scheduler, promptLength: 7, new SamplingParams { MaxTokens = maxTokens, PromptLogprobs = 0 });
        var needed = new List<(int, int)>();
        for (var step = 0; step < 3; step++)
        {
            submitted.PromptLogprobs.IsCompleted.ShouldBeFalse();
            var batch = scheduler.Schedule();
            var row = batch.Rows.ShouldHaveSingleItem();
            needed.Add((row.LogitsCount, row.PromptLogprobCount));
            for (var i = 0; i < row.PromptLogprobCount; i++)
                row.Sequence.AddPromptLogprobs(new TokenLogprobs(-row.Start - i, []));
            scheduler.Complete(batch, [new(Token)]);
        }

        needed.ShouldBe([(3, 3), (3, 3), (maxTokens > 0 ? 1 : 0, 0)]);
        (await submitted.PromptLogprobs).Select(logprobs => logprobs?.Logprob).ShouldBe([null, 0, -1, -2, -3, -4, -5]);
        submitted.Read().Count.ShouldBe(Math.Min(1, maxTokens));
    }

    [Fact]
    public void Cancel_WaitingAndRunning_EndsThemQuietly()
    {
        var scheduler = new Scheduler(1, 4, _blocks);
        var running = Add(scheduler, promptLength: 9, maxTokens: 5, id: 1);
        var waiting = Add(scheduler, promptLength: 9, maxTokens: 5, id: 2);
        Step(scheduler);

        scheduler.Cancel(1).ShouldBeTrue();
        scheduler.Cancel(2).ShouldBeTrue();

        scheduler.Cancel(1).ShouldBeFalse();
        scheduler.Cancel(3).ShouldBeFalse();
        (scheduler.Running, scheduler.Waiting, _blocks.Used).ShouldBe((0, 0, 0));
        foreach (var submitted in new[] { running, waiting })
        {
            submitted.Completion.IsCompletedSuccessfully.ShouldBeTrue();
            submitted.PromptLogprobs.IsCanceled.ShouldBeTrue();
            submitted.Releases.ShouldBe(1);
        }
    }

    [Fact]
    public void Complete_CancelledAfterSchedule_IsPassedOver()
    {
        var scheduler = new Scheduler(8, 50, _blocks);
        var submitted = Add(scheduler, promptLength: 9, maxTokens: 5);
        var batch = scheduler.Schedule();
        scheduler.Cancel(1);

        scheduler.Complete(batch, [new(Token)]);

        submitted.Read().ShouldBeEmpty();
        submitted.Releases.ShouldBe(1);
    }

    [Fact]
    public async Task Fail_OneSequence_LeavesTheOthers()
    {
        var scheduler = new Scheduler(8, 50, _blocks);
        var broken = Add(scheduler, promptLength: 9, maxTokens: 5, id: 1);
        var sound = Add(scheduler, promptLength: 9, maxTokens: 5, id: 2);
        var batch = scheduler.Schedule();
        var error = new NotFiniteNumberException("NaN");

        scheduler.Fail(broken.Sequence, error);
        scheduler.Complete(batch, [default, new(Token)]);
        Run(scheduler);

        (await Should.ThrowAsync<GenerationFailedException>(broken.Completion)).InnerException.ShouldBeSameAs(error);
        sound.Read().Count.ShouldBe(5);
        _blocks.Used.ShouldBe(0);
    }

    [Fact]
    public async Task Complete_RowThatFailed_EndsItsSequenceAlone()
    {
        var scheduler = new Scheduler(8, 50, _blocks);
        var broken = Add(scheduler, promptLength: 9, maxTokens: 5, id: 1);
        var sound = Add(scheduler, promptLength: 9, maxTokens: 5, id: 2);
        var error = new NotFiniteNumberException("NaN");

        scheduler.Complete(scheduler.Schedule(), [new(Token: null, error), new(Token)]);
        Run(scheduler);

        (await Should.ThrowAsync<GenerationFailedException>(broken.Completion)).InnerException.ShouldBeSameAs(error);
        sound.Read().Count.ShouldBe(5);
        _blocks.Used.ShouldBe(0);
    }

    [Fact]
    public async Task Fail_Batch_LeavesWaitingSequences()
    {
        var scheduler = new Scheduler(1, 50, _blocks);
        var broken = Add(scheduler, promptLength: 9, maxTokens: 5, id: 1);
        var waiting = Add(scheduler, promptLength: 9, maxTokens: 5, id: 2);

        scheduler.Fail(scheduler.Schedule(), new InvalidOperationException("out of memory"));
        Run(scheduler);

        (await Should.ThrowAsync<GenerationFailedException>(broken.Completion)).Message.ShouldContain("out of memory");
        waiting.Read().Count.ShouldBe(5);
    }

    [Fact]
    public void FailAll_RunningAndWaiting_EndsBoth()
    {
        var scheduler = new Scheduler(2, 50, _blocks);
        var all = Enumerable.Range(0, 5).Select(id => Add(scheduler, promptLength: 9, maxTokens: 5, id)).ToList();
        Step(scheduler);

        scheduler.FailAll(new InvalidOperationException("shutting down"));

        (scheduler.Running, scheduler.Waiting, _blocks.Used).ShouldBe((0, 0, 0));
        all.Sum(submitted => submitted.Read().Count).ShouldBe(2);
        all.ShouldAllBe(submitted => submitted.Completion.IsFaulted && submitted.Releases == 1);
    }

    private static SubmittedSequence Add(Scheduler scheduler, int promptLength, int maxTokens, long id = 1, string adapter = "base") =>
        Add(scheduler, promptLength, new SamplingParams { MaxTokens = maxTokens }, id, adapter);

    private static SubmittedSequence Add(Scheduler scheduler, int promptLength, SamplingParams sampling, long id = 1, string adapter = "base")
    {
        var submitted = new SubmittedSequence([.. Enumerable.Repeat(10 + (int)id, promptLength)], sampling, id, adapter);
        scheduler.Add(submitted.Sequence);
        return submitted;
    }

    private static Batch Step(Scheduler scheduler)
    {
        var batch = scheduler.Schedule();
        var rows = new Batch(batch.Rows); // the next step refills the batch
        scheduler.Complete(batch, [.. batch.Rows.Select(row => new RowResult(row.SamplesToken ? Token : null))]);
        return rows;
    }

    private static List<Batch> Run(Scheduler scheduler)
    {
        var steps = new List<Batch>();
        while (scheduler.Running + scheduler.Waiting > 0)
        {
            steps.Add(Step(scheduler));
            steps.Count.ShouldBeLessThan(1000);
        }

        return steps;
    }
}
