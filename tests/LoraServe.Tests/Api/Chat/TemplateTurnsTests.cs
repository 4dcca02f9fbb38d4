using LoraServe.Api.Chat;

namespace LoraServe.Tests.Api.Chat;

public class TemplateTurnsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task RunAsync_OneOwnerHasALongLine_AnotherDoesNotWaitForIt()
    {
        using var turns = new TemplateTurns(most: 2);
        using var gate = new ManualResetEventSlim();
        var begun = 0;
        var slow = Enumerable.Range(0, 6).Select(_ => Task.Run(() => turns.RunAsync("slow", Work, TestContext.Current.CancellationToken))).ToList();
        await LoraServeServer.EventuallyAsync(() => Volatile.Read(ref begun) > 0);

        var other = await Task.Run(() => turns.RunAsync("other", () => 7, TestContext.Current.CancellationToken)).WaitAsync(Patience);
        var (atOnce, waiting) = (Volatile.Read(ref begun), slow.Count(task => !task.IsCompleted));
        gate.Set();
        await Task.WhenAll(slow);

        (other, atOnce, waiting, begun).ShouldBe((7, 1, 6, 6));

        int Work()
        {
            Interlocked.Increment(ref begun);
            gate.Wait(Patience);
            return 0;
        }
    }
}
