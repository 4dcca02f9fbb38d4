using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Training.Runs;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

/// <summary>Slices between the steps of a whole engine.</summary>
public sealed class BackgroundSlicesTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _over = new();
    private LlmEngine _engine = null!;
    private int _slices;
    private int _slicesBesideRequests;

    public ValueTask InitializeAsync()
    {
        _engine = TinyTraining.Engine(_folder.File("data"));
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _over.Dispose();
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task RunInBackgroundAsync_BesideAStream_BothGoOn()
    {
        var work = Work(_engine);
        using var stream = Submit(_engine, maxTokens: 240);

        var tokens = await stream.Tokens.ReadAllAsync().CountAsync();

        // How large the share is, BackgroundWorkTests say by a clock of their own.
        tokens.ShouldBe(240);
        Volatile.Read(ref _slicesBesideRequests).ShouldBeGreaterThan(0);
        work.IsCompleted.ShouldBeFalse();
        await EndAsync(work);
    }

    [Fact]
    public async Task RunInBackgroundAsync_ShareOfZero_StandsStillDuringAStream()
    {
        await using var engine = TinyTraining.Engine(_folder.File("data2"), TinyTraining.Options with { TrainingShare = 0 });
        var work = Work(engine);
        using var stream = Submit(engine, maxTokens: 240);

        await stream.Tokens.ReadAllAsync().CountAsync();

        // Nobody waits any more.
        SpinWait.SpinUntil(() => Volatile.Read(ref _slices) > 0, Patience).ShouldBeTrue();
        Volatile.Read(ref _slicesBesideRequests).ShouldBe(0);
        await EndAsync(work);
    }

    [Fact]
    public async Task DrainAsync_WithWorkThatDoesNotEnd_DoesNotWaitForIt()
    {
        var work = Work(_engine);

        await _engine.DrainAsync(TimeSpan.FromHours(1)).WaitAsync(Patience);

        work.IsCompleted.ShouldBeFalse();
        await EndAsync(work);
    }

    private Task Work(LlmEngine engine) => engine.RunInBackgroundAsync(
        new TestWork(() =>
        {
            Thread.Sleep(2);
            // On the engine's thread, so that this is what it knows.
            if (engine.Status.Running > 0) Interlocked.Increment(ref _slicesBesideRequests);
            Interlocked.Increment(ref _slices);
            return true;
        }),
        _over.Token);

    private async Task EndAsync(Task work)
    {
        await _over.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => work);
    }

    private static TokenStream Submit(LlmEngine engine, int maxTokens) => engine.Submit(new GenerationRequest
    {
        Prompt = [1, 5, 9],
        Sampling = new SamplingParams { Temperature = 0, MaxTokens = maxTokens, IgnoreEos = true },
        Adapter = AdapterLease.Base(),
    });
}
