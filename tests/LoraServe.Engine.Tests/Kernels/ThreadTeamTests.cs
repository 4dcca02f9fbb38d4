using LoraServe.Engine.Kernels;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Kernels;

public class ThreadTeamTests
{
    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 1)]
    [InlineData(2, 1000)]
    [InlineData(7, 3)]
    [InlineData(3, 0)]
    public void Run_AnyShares_DoesEachOnce(int threads, int shares)
    {
        var done = new int[shares];

        ThreadTeam.Run(threads, shares, share => Interlocked.Increment(ref done[share]));

        done.ShouldAllBe(count => count == 1);
    }

    [Fact]
    public void Run_TwoThreads_WorkAtTheSameTime()
    {
        using var bothAreThere = new Barrier(2);

        ThreadTeam.Run(threads: 2, shares: 2, _ => bothAreThere.SignalAndWait(TimeSpan.FromSeconds(30)).ShouldBeTrue());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Run_ShareFails_ThrowsItsError(int threads) =>
        Should.Throw<InvalidOperationException>(() => ThreadTeam.Run(threads, 4, share => throw new InvalidOperationException($"share {share}")))
            .Message.ShouldStartWith("share ");
}
