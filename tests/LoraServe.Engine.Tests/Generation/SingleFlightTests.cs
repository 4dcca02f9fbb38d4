using LoraServe.Engine.Generation;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public sealed class SingleFlightTests
{
    private readonly SingleFlight<int> _flights = new();
    private readonly TaskCompletionSource<int> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _runs;

    [Fact]
    public async Task Run_ManyAtOnce_RunsOnce()
    {
        var all = Enumerable.Range(0, 100).Select(_ => Run()).ToList();
        _end.SetResult(7);

        (await Task.WhenAll(all)).ShouldAllBe(result => result == 7);

        _runs.ShouldBe(1);
    }

    [Fact]
    public async Task Run_OneStopsWaiting_LeavesItToTheOthers()
    {
        using var impatient = new CancellationTokenSource();
        var (first, second) = (Run(impatient.Token), Run());

        await impatient.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(first);
        _cancelled.Task.IsCompleted.ShouldBeFalse();
        _end.SetResult(7);
        (await second).ShouldBe(7);
        _runs.ShouldBe(1);
    }

    [Fact]
    public async Task Run_AllStopWaiting_IsCancelledAndRunsAnewForTheNext()
    {
        using var impatient = new CancellationTokenSource();
        var both = new[] { Run(impatient.Token), Run(impatient.Token) };

        await impatient.CancelAsync();
        foreach (var one in both) await Should.ThrowAsync<OperationCanceledException>(one);
        await _cancelled.Task;

        _end.SetResult(7);
        (await Run()).ShouldBe(7);
        _runs.ShouldBe(2);
    }

    [Fact]
    public async Task Run_Failed_TellsAllAndRunsAnewForTheNext()
    {
        var all = Enumerable.Range(0, 3).Select(_ => Run()).ToList();
        _end.SetException(new InvalidOperationException());

        foreach (var one in all) await Should.ThrowAsync<InvalidOperationException>(one);

        await Should.ThrowAsync<InvalidOperationException>(Run());
        _runs.ShouldBe(2);
    }

    [Fact]
    public async Task Run_OtherKey_RunsForItself()
    {
        var all = new[] { Run(), _flights.RunAsync("other", _ => Task.FromResult(8), CancellationToken.None) };
        _end.SetResult(7);

        (await Task.WhenAll(all)).ShouldBe([7, 8]);
    }

    private Task<int> Run(CancellationToken cancellationToken = default) => _flights.RunAsync(
        "key",
        async stop =>
        {
            Interlocked.Increment(ref _runs);
            try
            {
                return await _end.Task.WaitAsync(stop);
            }
            catch (OperationCanceledException)
            {
                // Not by a callback of the token: leaving this method would take it back, perhaps before it has run.
                _cancelled.SetResult();
                throw;
            }
        },
        cancellationToken);
}
