using System.Runtime.InteropServices;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Scheduling;

public sealed class AdapterTurnsTests
{
    private readonly List<AdapterFlow> _flows = [];
    private readonly AdapterTurns _turns = new(most: 2);

    [Fact]
    public void Give_MoreThanMost_TakesTurnsInOrderOfArrival()
    {
        foreach (var adapter in (string[])["a", "b", "c", "d", "e"]) Arrive(adapter);

        Steps(5).ShouldBe(["0,1", "2,3", "0,4", "1,2", "0,3"]);
    }

    [Fact]
    public void Give_NewAdapter_ComesBeforeThoseThatJustHadATurn()
    {
        foreach (var adapter in (string[])["a", "b", "c"]) Arrive(adapter);
        Steps(1).ShouldBe(["0,1"]);

        Arrive("d");

        Steps(1).ShouldBe(["2,3"]);
    }

    [Fact]
    public void Give_Base_NeedsNoTurn()
    {
        foreach (var adapter in (string[])["a", "b", "base", "c"]) Arrive(adapter);

        Steps(2).ShouldBe(["0,1,2", "0,2,3"]);
    }

    [Fact]
    public void Give_ActivatedLora_CountsOnlyWhenItsInvocationIsWithinReach()
    {
        Arrive("a");
        Arrive("b");
        var activated = new SubmittedSequence([.. Enumerable.Repeat(1, 40), 7], new SamplingParams(), adapter: "activated", invocation: [7]).Sequence;
        Arrive(activated);

        Steps(1).ShouldBe(["0,1,2"]);
        _turns.Computable(activated).ShouldBe(41, "no turn is needed yet, and none may be missed");

        activated.ComputedTokens = 35;
        Steps(2).ShouldBe(["0,2", "0,1"]);
        _turns.Computable(activated).ShouldBe(5, "up to the invocation");
    }

    [Fact]
    public void Give_OneAdapterOfSeveralOwners_IsOneTurn()
    {
        foreach (var adapter in (string[])["a", "a", "a", "b", "c"]) Arrive(adapter);

        Steps(2).ShouldBe(["0,1,2,3", "0,1,2,4"]);
    }

    [Fact]
    public void Give_SeveralSumsOfOneOwner_TakeTurnsByThemselves()
    {
        Arrive("a");
        foreach (var sum in (string[])["b", "c"]) _flows[0].Running.Add(SubmittedSequence.OfLength(20, 5, adapter: sum).Sequence);

        _turns.Give(CollectionsMarshal.AsSpan(_flows), maxTokens: 10);
        _flows[0].Running.Count(_turns.HasTurn).ShouldBe(2);
        _turns.Give(CollectionsMarshal.AsSpan(_flows), maxTokens: 10);
        _turns.HasTurn(_flows[0].Running[2]).ShouldBeTrue();
    }

    private List<string> Steps(int count) =>
    [
        .. Enumerable.Range(0, count).Select(_ =>
        {
            _turns.Give(CollectionsMarshal.AsSpan(_flows), maxTokens: 10);
            return string.Join(',', Enumerable.Range(0, _flows.Count).Where(i => _turns.HasTurn(_flows[i].Running[0])));
        }),
    ];

    private void Arrive(string adapter) => Arrive(SubmittedSequence.OfLength(20, 5, adapter: adapter).Sequence);

    private void Arrive(Sequence sequence)
    {
        var flow = new AdapterFlow();
        flow.Running.Add(sequence);
        _flows.Add(flow);
    }
}
