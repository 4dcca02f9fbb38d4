using System.Threading.Channels;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Sequences;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public class EngineLoopTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Add_SequenceThatCanNeverFit_EndsItAndGivesItsAdapterBack()
    {
        using var loop = Loop();
        var submitted = SubmittedSequence.OfLength(promptLength: 1000, maxTokens: 1);

        loop.Add(submitted.Sequence).ShouldBeTrue();

        await Should.ThrowAsync<GenerationFailedException>(() => submitted.Completion.WaitAsync(Patience));
        (await loop.InvokeAsync(() => submitted.Releases)).ShouldBe(1);
    }

    [Fact]
    public async Task Dispose_WhileCommandsAreSent_LeavesNoneWithoutAnOutcome()
    {
        for (var round = 0; round < 50; round++)
        {
            var loop = Loop();
            var senders = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                for (var i = 0; i < 50; i++) await loop.InvokeAsync(() => 0);
            })).ToList();
            loop.Dispose();

            var outcome = Task.WhenAll(senders);
            await outcome.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(Patience);
            outcome.Exception?.InnerExceptions.ShouldAllBe(e => e is EngineOverloadedException);
        }
    }

    [Fact]
    public async Task Step_RowThatFails_KeepsItsAdapterForTheRowsComputedWithIt()
    {
        using var small = new SmallModel();
        using var loop = Loop(small.Weights, small.Runner(), new Sampler(small.Vocabulary), small.Blocks);
        // What lets go of it frees it, as a cache does that needs the memory.
        var broken = small.OfHead(factor: float.NaN);
        var (failing, failed) = Submit(id: 1, new AdapterLease(broken, broken.Dispose), promptLogprobs: 0);
        var (beside, tokens) = Submit(id: 2, AdapterLease.Base(), promptLogprobs: null);
        var together = new ManualResetEventSlim();

        var held = loop.InvokeAsync(() => together.Wait(Patience));
        loop.Add(failing).ShouldBeTrue();
        loop.Add(beside).ShouldBeTrue();
        together.Set();

        (await held).ShouldBeTrue();
        await Should.ThrowAsync<GenerationFailedException>(() => failed.Completion.WaitAsync(Patience));
        (await tokens.ReadAllAsync().CountAsync()).ShouldBe(1);
    }

    // Three rows of logits with those of the prompt, else one: the last slice of two has one of either.
    private static (Sequence Sequence, ChannelReader<GeneratedToken> Tokens) Submit(long id, AdapterLease lease, int? promptLogprobs)
    {
        var request = new GenerationRequest
        {
            Prompt = [1, 2, 3],
            Sampling = new SamplingParams { MaxTokens = 1, PromptLogprobs = promptLogprobs, IgnoreEos = true },
            Adapter = lease,
        };
        var output = Channel.CreateUnbounded<GeneratedToken>();
        return (new Sequence(id, request, [], output.Writer, new(TaskCreationOptions.RunContinuationsAsynchronously)), output.Reader);
    }

    // None of the other tests lets it run a step, so that it needs no model.
    private static EngineLoop Loop()
    {
        var blocks = new KvBlockPool(count: 1);
        return Loop(null!, new ModelRunner(null!, blocks.BlockSize), new Sampler(1), blocks);
    }

    private static EngineLoop Loop(BaseWeights weights, ModelRunner model, Sampler sampler, KvBlockPool blocks)
    {
        var cache = new AdapterCache(new AdapterCacheLimits { Bytes = 1000 }, TimeProvider.System, new AdapterMetrics(new AdapterLabels(1)));
        var merging = new MergeService(weights, budget: 0, cache, TimeProvider.System, new MergeMetrics(), NullLogger.Instance);
        var runner = new StepRunner(model, sampler, merging, new EngineMetrics(NullLogger.Instance), NullLogger.Instance);
        return new EngineLoop(
            new Scheduler(4, 16, blocks), runner, merging, new BackgroundWork(0.2, TimeProvider.System), NullLogger.Instance);
    }
}
