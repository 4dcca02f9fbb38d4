using FsCheck.Xunit;
using LoraServe.Engine.Sampling;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Sampling;

public sealed class TokenRandomTests
{
    // The first three outputs of SplitMix64 seeded with 0, whose state grows by the golden ratio.
    [Theory]
    [InlineData(0UL, 0xE220A8397B1DCDAFUL)]
    [InlineData(0x9E3779B97F4A7C15UL, 0x6E789E6AA1B965F4UL)]
    [InlineData(0x3C6EF372FE94F82AUL, 0x06C45D188009454FUL)]
    public void Mix_StatesOfSeedZero_GivesThePublishedOutputs(ulong state, ulong output) => TokenRandom.Mix(state).ShouldBe(output);

    [Property]
    public void NextDouble_AnySeed_LiesInUnitInterval(long seed, int position) => TokenRandom.NextDouble(seed, position).ShouldBeInRange(0, 1 - Math.Pow(2, -53));

    [Fact]
    public void NextDouble_NeighbouringSeedsAndPositions_AreUniformAndDiffer()
    {
        var numbers = (from seed in Enumerable.Range(0, 100) from position in Enumerable.Range(0, 100) select TokenRandom.NextDouble(seed, position)).ToList();

        numbers.Distinct().Count().ShouldBe(10_000);
        var tenths = numbers.GroupBy(number => (int)(number * 10)).Select(tenth => tenth.Count());
        tenths.ShouldAllBe(count => count > 850 && count < 1150); // 5 standard deviations of 30
    }

    [Fact]
    public void NextDouble_SeedsOneStepApart_GiveNoShiftedStream()
    {
        const long Step = unchecked((long)0x9E3779B97F4A7C15);

        var first = Enumerable.Range(0, 100).Select(position => TokenRandom.NextDouble(5, position));
        var second = Enumerable.Range(0, 100).Select(position => TokenRandom.NextDouble(5 + Step, position));

        first.Intersect(second).ShouldBeEmpty();
    }
}
