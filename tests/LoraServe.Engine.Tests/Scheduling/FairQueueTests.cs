using FsCheck.Xunit;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Tests.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Scheduling;

public sealed class FairQueueTests
{
    private readonly FairQueue _queue = new(places: 8, blocks: 100);

    [Fact]
    public void Next_OneAdapterFloods_TheOthersComeBeforeItsSecond()
    {
        Enqueue("a", "a", "a", "a", "b", "c", "b");

        AdmitAll().ShouldBe([0, 4, 5, 1, 6, 2, 3]);
    }

    [Fact]
    public void Next_OneOwnerFloodsAnAdapter_TheOthersComeBeforeItsSecond()
    {
        for (var id = 0; id < 6; id++)
            _queue.Enqueue(SubmittedSequence.OfLength(1, 1, id, "a", owner: id < 4 ? "flood" : $"{id}").Sequence);

        AdmitAll().ShouldBe([0, 4, 5, 1, 2, 3]);
    }

    [Fact]
    public void Next_SumsSpelledDifferently_AreOneShareOfTheirOwner()
    {
        for (var id = 0; id < 4; id++)
        {
            var (owner, name) = (id < 3 ? "one" : "other", $"a:0.{id + 1},b:0.5");
            _queue.Enqueue(new SubmittedSequence([1], new SamplingParams(), id, $"sum{id}", owner: owner, name: name).Sequence);
        }

        AdmitAll().ShouldBe([0, 3, 1, 2]);
    }

    [Fact]
    public void Next_TwiceTheWeight_GetsTwiceThePlaces()
    {
        for (var id = 0; id < 9; id++)
            _queue.Enqueue(SubmittedSequence.OfLength(1, 1, id, id % 2 == 0 ? "heavy" : "light", id % 2 == 0 ? 2 : 1).Sequence);

        AdmitAll().Take(6).Count(id => id % 2 == 0).ShouldBe(4);
    }

    [Fact]
    public void Next_AdapterHoldsManyBlocks_WaitsForOneThatHoldsFew()
    {
        var large = SubmittedSequence.OfLength(1, 1, id: 0, "large").Sequence;
        large.HeldBlocks.AddRange(Enumerable.Range(0, 50));
        _queue.Enqueue(large);
        _queue.Admit(large);
        foreach (var id in (long[])[1, 2, 3])
        {
            var small = SubmittedSequence.OfLength(1, 1, id, "small").Sequence;
            _queue.Enqueue(small);
            _queue.Admit(small);
        }

        _queue.Enqueue(SubmittedSequence.OfLength(1, 1, id: 4, "large").Sequence);
        _queue.Enqueue(SubmittedSequence.OfLength(1, 1, id: 5, "small").Sequence);

        _queue.Next()!.Id.ShouldBe(5);
    }

    [Fact]
    public void Next_TookItsTicketEarlier_IsNotBehindThoseWhoCameSinceThen()
    {
        var submitted = new SubmittedSequence([1], new SamplingParams(), id: 9, adapter: "late", arrival: 2);
        _queue.Enqueue(SubmittedSequence.OfLength(1, 1, id: 1, "a").Sequence);
        _queue.Enqueue(SubmittedSequence.OfLength(1, 1, id: 3, "b").Sequence);
        _queue.Enqueue(SubmittedSequence.OfLength(1, 1, id: 4, "late").Sequence);

        _queue.Enqueue(submitted.Sequence);

        AdmitAll().ShouldBe([1, 9, 3, 4]);
    }

    [Fact]
    public void Remove_OnlySequenceOfAnAdapter_RemovesTheAdapter()
    {
        Enqueue("a", "b", "c");

        _queue.Remove(_queue.Find(1)!);

        _queue.Find(1).ShouldBeNull();
        (_queue.Waiting, _queue.Flows.Length).ShouldBe((2, 2));
        AdmitAll().ShouldBe([0, 2]);
    }

    [Fact]
    public void Next_Empty_IsNull() => _queue.Next().ShouldBeNull();

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Enqueue_WeightIsNoShare_Throws(double weight) =>
        Should.Throw<ArgumentException>(() => _queue.Enqueue(SubmittedSequence.OfLength(1, 1, weight: weight).Sequence));

    [Fact]
    public void VictimFor_NewAdapter_IsTheYoungestOfTheOneThatHoldsMost()
    {
        Enqueue("hot", "hot", "hot", "hot", "warm", "warm", "new");
        for (var i = 0; i < 6; i++)
            _queue.Admit(_queue.Find(i)!);

        _queue.VictimFor(_queue.Find(6)!, needed: 1)!.Id.ShouldBe(3);
    }

    [Fact]
    public void VictimFor_WouldThenHoldMore_IsNull()
    {
        Enqueue("a", "a", "b", "b");
        for (var i = 0; i < 3; i++)
            _queue.Admit(_queue.Find(i)!);

        _queue.VictimFor(_queue.Find(3)!, needed: 1).ShouldBeNull();
    }

    [Property]
    public void VictimFor_AnyLoad_IsNeverPreemptedBack(byte[] arrivals)
    {
        var queue = new FairQueue(places: 8, blocks: 40);
        for (var i = 0; i < arrivals.Length; i++)
        {
            var weight = 1 + (arrivals[i] % 3);
            var sequence = SubmittedSequence.OfLength(1, 1, i, $"{arrivals[i] % 4}", weight).Sequence;
            sequence.HeldBlocks.AddRange(Enumerable.Range(0, arrivals[i] % 7));
            queue.Enqueue(sequence);
            if (queue.Running < 8)
            {
                queue.Admit(sequence);
                continue;
            }

            var next = queue.Next()!;
            if (queue.VictimFor(next, next.Blocks.Count) is not { } victim)
                continue;

            queue.Preempt(victim);
            queue.Admit(next);
            queue.VictimFor(victim, victim.Blocks.Count).ShouldNotBe(next);
            queue.Running.ShouldBe(8);
        }
    }

    private void Enqueue(params string[] adapters)
    {
        for (var id = 0; id < adapters.Length; id++)
            _queue.Enqueue(SubmittedSequence.OfLength(1, 1, id, adapters[id]).Sequence);
    }

    private List<long> AdmitAll()
    {
        var ids = new List<long>();
        while (_queue.Next() is { } next)
        {
            _queue.Admit(next);
            ids.Add(next.Id);
        }

        return ids;
    }
}
