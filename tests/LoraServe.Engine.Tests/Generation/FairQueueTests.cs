using FsCheck.Xunit;
using LoraServe.Engine.Generation;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public sealed class FairQueueTests
{
    [Fact]
    public void Dequeue_OneAdapterFloods_OthersTakeTurns()
    {
        var queue = QueueOf("a", "a", "a", "a", "b", "c", "b");

        Drain(queue).ShouldBe([0, 4, 5, 1, 6, 2, 3]);
    }

    [Fact]
    public void Dequeue_AdapterComesBack_JoinsAtTheEnd()
    {
        var queue = QueueOf("a", "b", "c");
        queue.Dequeue().Id.ShouldBe(0);

        queue.Enqueue(SubmittedSequence.OfLength(1, 1, id: 3, adapter: "a").Sequence);

        Drain(queue).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void Remove_OnlySequenceOfAnAdapter_LosesItsTurn()
    {
        var queue = QueueOf("a", "b", "c");

        queue.Remove(1)!.Id.ShouldBe(1);

        queue.Remove(1).ShouldBeNull();
        queue.Count.ShouldBe(2);
        Drain(queue).ShouldBe([0, 2]);
    }

    [Fact]
    public void Peek_Empty_IsNull() => new FairQueue().Peek().ShouldBeNull();

    [Property]
    public void Dequeue_ArrivalsAllTheTime_KeepsOrderWithinAdaptersAndBoundsTheWait(byte[] steps)
    {
        var queue = new FairQueue();
        var waiting = new Dictionary<long, (string Adapter, int Bound)>();
        var id = 0L;
        foreach (var step in steps)
        {
            var adapter = $"adapter{step % 4}";
            var ahead = waiting.Values.Count(other => other.Adapter == adapter);
            queue.Enqueue(SubmittedSequence.OfLength(1, 1, id, adapter).Sequence);
            waiting.Add(id, (adapter, (4 * (ahead + 1)) - 1));
            id++;
            if (step % 3 == 0)
                continue;

            var next = queue.Peek()!.Id;
            queue.Dequeue().Id.ShouldBe(next);
            waiting.Remove(next, out var served);
            waiting.ShouldNotContain(other => other.Value.Adapter == served.Adapter && other.Key < next);
            foreach (var (other, (name, bound)) in waiting)
            {
                bound.ShouldBePositive();
                waiting[other] = (name, bound - 1);
            }
        }

        queue.Count.ShouldBe(waiting.Count);
    }

    private static FairQueue QueueOf(params string[] adapters)
    {
        var queue = new FairQueue();
        for (var id = 0; id < adapters.Length; id++)
            queue.Enqueue(SubmittedSequence.OfLength(1, 1, id, adapters[id]).Sequence);
        return queue;
    }

    private static List<long> Drain(FairQueue queue)
    {
        var ids = new List<long>();
        while (queue.Count > 0)
            ids.Add(queue.Dequeue().Id);
        return ids;
    }
}
