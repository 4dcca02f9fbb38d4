using LoraServe.Engine.Adapters.Residency;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Residency;

public sealed class AdapterLabelsTests
{
    [Fact]
    public void Of_200NamesByManyThreads_GivesTheFirst50OneEach()
    {
        var labels = new AdapterLabels(50);

        Parallel.For(0, 20_000, i => labels.Of($"adapter-{i % 200}"));

        var given = Enumerable.Range(0, 200).Select(i => (Name: $"adapter-{i}", Label: labels.Of($"adapter-{i}"))).ToList();
        given.Where(pair => pair.Label != AdapterLabels.Other).ShouldAllBe(pair => pair.Label == pair.Name);
        given.Count(pair => pair.Label != AdapterLabels.Other).ShouldBe(50);
    }

    [Fact]
    public void Of_SumsAndTheBase_TakeNoLabelFromAdapters()
    {
        var labels = new AdapterLabels(1);

        labels.Of("a:0.5,b:0.5").ShouldBe("(mix)");
        labels.Of(AdapterLease.Base()).ShouldBe("(base)");
        labels.Of("a").ShouldBe("a");
        labels.Of("b").ShouldBe("(other)");
        labels.Of("a").ShouldBe("a");
    }
}
