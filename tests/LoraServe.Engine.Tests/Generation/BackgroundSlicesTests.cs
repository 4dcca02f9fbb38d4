using System.Diagnostics;
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
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _over = new();
    private LlmEngine _engine = null!;
    private long _ticks;
    private int _slices;

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
    public async Task RunInBackgroundAsync_BesideAStream_TakesAtMostItsShare()
    {
        var work = Work(_engine);
        using var stream = Submit(_engine, maxTokens: 240);
        await stream.Tokens.ReadAsync();
        var (start, before) = (Stopwatch.GetTimestamp(), Volatile.Read(ref _ticks));

        var tokens = await stream.Tokens.ReadAllAsync().CountAsync();

        var worked = TimeSpan.FromTicks(Volatile.Read(ref _ticks) - before);
        tokens.ShouldBe(239);
        worked.ShouldBeGreaterThan(TimeSpan.Zero);
        // The last slice may have begun before the reader saw the end.
        (worked / Stopwatch.GetElapsedTime(start)).ShouldBeLessThan(0.35);
        await EndAsync(work);
    }

    [Fact]
    public async Task RunInBackgroundAsync_ShareOfZero_StandsStillDuringAStream()
    {
        await using var engine = TinyTraining.Engine(_folder.File("data2"), TinyTraining.Options with { TrainingShare = 0 });
        var work = Work(engine, milliseconds: 20);
        var before = Volatile.Read(ref _slices);
        using var stream = Submit(engine, maxTokens: 240);

        await stream.Tokens.ReadAllAsync().CountAsync();

        // There are 240 steps: only before the first and after the last one there may be some.
        (Volatile.Read(ref _slices) - before).ShouldBeLessThan(20);
        await EndAsync(work);
    }

    [Fact]
    public async Task DrainAsync_WithWorkThatDoesNotEnd_DoesNotWaitForIt()
    {
        var work = Work(_engine);

        await _engine.DrainAsync(TimeSpan.FromSeconds(60)).WaitAsync(TimeSpan.FromSeconds(30));

        work.IsCompleted.ShouldBeFalse();
        await EndAsync(work);
    }

    private Task Work(LlmEngine engine, int milliseconds = 2) => engine.RunInBackgroundAsync(
        () =>
        {
            var start = Stopwatch.GetTimestamp();
            Thread.Sleep(milliseconds);
            Interlocked.Increment(ref _slices);
            Interlocked.Add(ref _ticks, Stopwatch.GetElapsedTime(start).Ticks);
            return true;
        },
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
