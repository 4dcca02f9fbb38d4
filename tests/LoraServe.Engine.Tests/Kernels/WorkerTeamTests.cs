using LoraServe.Engine.Kernels;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Kernels;

public sealed class WorkerTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Run_ManySteps_NoMemberPassesABarrierBeforeAllHaveComeThere(int size)
    {
        using var team = new WorkerTeam(size);
        var work = new Rounds(team, rounds: 50);

        for (var step = 0; step < 200; step++) team.Run(work);

        work.Faults.ShouldBe(0);
    }

    [Fact]
    public void Run_AfterASleep_WakesTheMembers()
    {
        using var team = new WorkerTeam(2);
        var work = new Rounds(team, rounds: 3);
        team.Run(work);

        // Longer than members spin between two steps.
        Thread.Sleep(50);
        team.Run(work);

        work.Faults.ShouldBe(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Run_MemberThatThrows_EndsTheOthersAndThrowsToTheCaller(int member)
    {
        using var team = new WorkerTeam(2);

        Should.Throw<InvalidDataException>(() => team.Run(new Failing(team, member)));

        var work = new Rounds(team, rounds: 3);
        team.Run(work);
        work.Faults.ShouldBe(0);
    }

    [Fact]
    public void TryTake_ManyMembers_GiveEachUnitOnce()
    {
        using var team = new WorkerTeam(3);
        var work = new Taking(team);

        for (var step = 0; step < 100; step++)
        {
            work.Shares.Reset();
            Array.Clear(work.Taken);
            team.Run(work);
            work.Taken.ShouldAllBe(count => count == 1);
        }
    }

    // Every member counts; between two barriers the count must be that of whole rounds. A team that rests has fewer members.
    private sealed class Rounds(WorkerTeam team, int rounds) : ITeamWork
    {
        private int _count;
        private int _members;

        public int Faults { get; private set; }

        public void Run(int member)
        {
            if (member == 0) (_count, _members) = (0, 0);
            team.Meet();
            Interlocked.Increment(ref _members);
            team.Meet();
            for (var round = 1; round <= rounds; round++)
            {
                Interlocked.Increment(ref _count);
                team.Meet();
                if (member == 0 && _count != round * _members) Faults++;
                team.Meet();
            }
        }
    }

    private sealed class Failing(WorkerTeam team, int failing) : ITeamWork
    {
        public void Run(int member)
        {
            team.Meet();
            if (member == failing) throw new InvalidDataException();
            team.Meet();
        }
    }

    private sealed class Taking(WorkerTeam team) : ITeamWork
    {
        public WorkShares Shares { get; } = new(1);

        public int[] Taken { get; } = new int[1001];

        public void Run(int member)
        {
            while (Shares.TryTake(0, Taken.Length, 3, team.Size, out var from, out var to))
                for (; from < to; from++) Interlocked.Increment(ref Taken[from]);
        }
    }
}
