using FsCheck.Xunit;
using LoraServe.Engine.Scheduling;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Scheduling;

public sealed class DeficitRoundRobinTests
{
    private const int MaxTokens = 512;

    private readonly DeficitRoundRobin _tokens = new(MaxTokens);

    [Fact]
    public void Share_SmallAndLargeDemand_FillsTheSmallOneAndGivesTheRestToTheOther()
    {
        var (small, large) = (Flow(demand: 20), Flow(demand: 5000));

        _tokens.Share(MaxTokens, [small, large]);

        (small.Grant, large.Grant).ShouldBe((20, 492));
    }

    [Fact]
    public void Share_DecodesWerePaid_GivesTheOtherThatManyMore()
    {
        var (decodes, prefills) = (Flow(demand: 5000), Flow(demand: 5000));
        _tokens.Charge(decodes, 100);

        _tokens.Share(MaxTokens - 100, [decodes, prefills]);

        (prefills.Grant - decodes.Grant).ShouldBeInRange(100 - 16, 100 + 16);
        (prefills.Grant + decodes.Grant).ShouldBe(MaxTokens - 100);
    }

    [Fact]
    public void Share_DebtAndNobodyElse_IsForgiven()
    {
        var flow = Flow(demand: 50);
        _tokens.Charge(flow, 100_000);

        _tokens.Share(MaxTokens, [flow]);

        (flow.Grant, flow.Deficit).ShouldBe((50, 0));
    }

    [Fact]
    public void Share_WeightsFarApart_StillGivesEverythingAway()
    {
        var (heavy, light) = (Flow(demand: 10, weight: 1e12), Flow(demand: 5000, weight: 1e-12));

        _tokens.Share(MaxTokens, [heavy, light]);

        (heavy.Grant, light.Grant).ShouldBe((10, MaxTokens - 10));
    }

    // The bound that the class promises, for any decodes, demands without end and flows that come and go beside the two.
    [Property]
    public void Share_WantsAllTheTime_NeverFallsBehindItsWeight(byte weights, (byte Decodes, byte Budget, byte Other)[] steps)
    {
        AdapterFlow[] flows = [Flow(int.MaxValue, 1 + (weights % 3)), Flow(int.MaxValue, 1 + (weights / 3 % 3)), Flow(demand: 0)];
        var served = new double[2];
        foreach (var (decodes, budget, other) in steps)
        {
            // Few enough that the weights can still make up for them.
            var paid = decodes % 32;
            served[0] += paid;
            _tokens.Charge(flows[0], paid);
            flows[2].Demand = other % 3 == 0 ? other : 0;
            var wanting = flows.Where(flow => flow.Demand > 0).ToList();
            var left = 200 + budget;

            _tokens.Share(left, wanting);

            wanting.Sum(flow => flow.Grant).ShouldBe(left);
            wanting.ShouldAllBe(flow => flow.Grant >= 1 && flow.Grant <= flow.Demand);
            for (var i = 0; i < 2; i++)
                served[i] += flows[i].Grant;
            Math.Abs((served[0] / flows[0].EngineShare) - (served[1] / flows[1].EngineShare)).ShouldBeLessThanOrEqualTo(16 + 16 + 32 + 2);
        }
    }

    private static AdapterFlow Flow(int demand, double weight = 1) => new() { Demand = demand, EngineShare = weight };
}
