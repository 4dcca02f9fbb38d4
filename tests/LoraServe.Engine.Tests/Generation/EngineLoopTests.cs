using LoraServe.Engine.Generation;
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

    // None of these tests lets it run a step, so that it needs no model.
    private static EngineLoop Loop()
    {
        var blocks = new KvBlockPool(count: 1);
        return new EngineLoop(new Scheduler(4, 16, blocks), new ModelRunner(null!, blocks.BlockSize), new Sampler(1), blocks, new Merging(null!, budget: 0, () => false, TimeProvider.System, NullLogger.Instance), new BackgroundWork(0.2, TimeProvider.System), NullLogger.Instance);
    }
}
