using FsCheck.Xunit;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Merging;

public class MergeControllerTests
{
    private const int OneSlot = 1;

    [Fact]
    public void Run_OneHotAdapter_IsMergedWithinTenStepsAndStays()
    {
        var machine = new SimulatedMachine(OneSlot);

        machine.Run(Enumerable.Repeat<string[]>(["a"], 1000));

        machine.Merges.ShouldBe(["a"]);
        machine.FirstMergeAt.ShouldBeLessThan(20);
    }

    [Fact]
    public void Run_TwoAlternatingAdapters_MergesOneAndDoesNotSwap()
    {
        var machine = new SimulatedMachine(OneSlot);

        machine.Run(Enumerable.Range(0, 2000).Select(i => new[] { i % 2 == 0 ? "a" : "b" }));

        machine.Merges.Count.ShouldBe(1);
    }

    [Fact]
    public void Run_TwoAlternatingAdaptersWithRoomForBoth_MergesBoth()
    {
        var machine = new SimulatedMachine(slots: 2);

        machine.Run(Enumerable.Range(0, 2000).Select(i => new[] { i % 2 == 0 ? "a" : "b" }));

        machine.Merges.Order().ShouldBe(["a", "b"]);
    }

    [Fact]
    public void Run_AdaptersInLongTurns_FollowsTheDemand()
    {
        var machine = new SimulatedMachine(OneSlot);

        machine.Run(Enumerable.Range(0, 8000).Select(i => new[] { i / 2000 % 2 == 0 ? "a" : "b" }));

        machine.Merges.ShouldBe(["a", "b", "a", "b"]);
    }

    [Fact]
    public void Run_SixteenAdaptersInEachBatch_MergesNone()
    {
        var machine = new SimulatedMachine(OneSlot);
        var all = Enumerable.Range(0, 16).Select(i => $"{i}").ToArray();

        machine.Run(Enumerable.Repeat(all, 1000));

        machine.Merges.ShouldBeEmpty();
    }

    [Fact]
    public void Run_SixteenAdaptersInTurn_DoesNotThrash()
    {
        var machine = new SimulatedMachine(OneSlot);
        var random = new Random(1);

        machine.Run(Enumerable.Range(0, 5000).Select(_ => new[] { $"{random.Next(16)}" }));

        machine.Merges.Count.ShouldBeLessThanOrEqualTo(3);
    }

    [Fact]
    public void Run_AdapterThatCostsNothingBesideTheBase_IsTriedAtMostOnceAMinute()
    {
        var machine = new SimulatedMachine(OneSlot) { AdapterMilliseconds = 0 };

        machine.Run(Enumerable.Repeat<string[]>(["a"], 6000));

        machine.Merges.Count.ShouldBeLessThanOrEqualTo(1 + (int)(machine.Now.TotalMinutes));
    }

    [Fact]
    public void UsesSlots_SlotOfOneAmongManyInABatch_IsLeftAside()
    {
        var machine = new SimulatedMachine(OneSlot);
        machine.Run(Enumerable.Repeat<string[]>(["a"], 100));

        machine.Run(Enumerable.Repeat<string[]>(["a", "b"], 100));

        machine.LastUsedSlots.ShouldBeFalse();
    }

    [Fact]
    public void IsIdle_SlotNobodyUsedForAMinute_IsTrue()
    {
        var machine = new SimulatedMachine(OneSlot);
        machine.Run(Enumerable.Repeat<string[]>(["a"], 100));

        machine.Run(Enumerable.Repeat<string[]>(["base"], 3000));

        machine.Slots.ShouldBeEmpty();
    }

    [Fact]
    public void Forget_Version_HasToEarnItsMergeAgain()
    {
        var machine = new SimulatedMachine(OneSlot);
        machine.Run(Enumerable.Repeat<string[]>(["a"], 100));

        machine.Controller.Forget(new AdapterVersionId("a"));

        machine.Controller.Saving(new AdapterVersionId("a"), machine.Now).ShouldBe(0);
    }

    /// <summary>Whatever comes, and however unsteady the machine is: never more than a small multiple of the best of both without merging.</summary>
    [Property(MaxTest = 60)]
    public void Run_AnyTrace_CostsLittleMoreThanNeverMerging(int seed)
    {
        var machine = new SimulatedMachine(OneSlot) { Noise = new Random(seed) };
        var random = new Random(seed);
        var trace = new List<string[]>();
        while (trace.Count < 1500)
        {
            var batch = Enumerable.Range(0, random.Next(1, 4)).Select(_ => $"{random.Next(4)}").Distinct().ToArray();
            trace.AddRange(Enumerable.Repeat(batch, random.Next(1, 60)));
        }

        machine.Run(trace);

        machine.Spent.ShouldBeLessThan(1.1 * machine.SpentWithoutMerging);
    }

    [Property(MaxTest = 20)]
    public void Run_SameObservations_LeadsToTheSameDecisions(int seed)
    {
        var (first, second) = (Trace(), Trace());

        first.Merges.ShouldBe(second.Merges);
        first.Spent.ShouldBe(second.Spent);

        SimulatedMachine Trace()
        {
            var machine = new SimulatedMachine(OneSlot) { Noise = new Random(seed) };
            var random = new Random(seed);
            machine.Run(Enumerable.Range(0, 500).Select(i => new[] { $"{i / 50 % (1 + random.Next(2))}" }));
            return machine;
        }
    }
}
