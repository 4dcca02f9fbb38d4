using LoraServe.Engine.Training.Runs;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Runs;

public sealed class TurnsTests
{
    private readonly Turns _turns = new();

    [Fact]
    public async Task TakeAsync_SeveralWaiters_LetsThemInOneByOneInOrder()
    {
        var first = await _turns.TakeAsync(CancellationToken.None);
        var second = _turns.TakeAsync(CancellationToken.None);
        var third = _turns.TakeAsync(CancellationToken.None);
        second.IsCompleted.ShouldBeFalse();

        first.Dispose();
        first.Dispose();

        (await second).Dispose();
        (await third).Dispose();
        (await _turns.TakeAsync(CancellationToken.None)).Dispose();
    }

    [Fact]
    public async Task TakeAsync_TurnThatIsHeld_LetsNobodyElseIn()
    {
        using var first = await _turns.TakeAsync(CancellationToken.None);
        var second = _turns.TakeAsync(CancellationToken.None);

        await Task.Delay(20);

        second.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task TakeAsync_WaiterThatIsCancelled_IsPassedOver()
    {
        using var cancelled = new CancellationTokenSource();
        var first = await _turns.TakeAsync(CancellationToken.None);
        var second = _turns.TakeAsync(cancelled.Token);
        var third = _turns.TakeAsync(CancellationToken.None);

        await cancelled.CancelAsync();
        first.Dispose();

        await Should.ThrowAsync<OperationCanceledException>(() => second);
        (await third).Dispose();
    }
}
