using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Lora;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Lora;

public class LoraBatchTests
{
    private static readonly LoraAdapter[] Adapters =
    [
        LoraAdapter.Base, new(new AdapterVersionId("one"), new Dictionary<string, LinearUpdate>()), new(new AdapterVersionId("two"), new Dictionary<string, LinearUpdate>()),
    ];

    [Fact]
    public void Segments_AdjacentSpansOfOneAdapter_AreOneSegment()
    {
        var batch = new LoraBatch([(2, Adapters[1]), (3, Adapters[1]), (1, Adapters[0]), (4, Adapters[1]), (1, Adapters[2])]);

        batch.Segments.ShouldBe([new(0, 5, Adapters[1]), new(6, 4, Adapters[1]), new(10, 1, Adapters[2])]);
    }

    [Fact]
    public void Segments_OnlyTheBase_AreNone() => new LoraBatch([(7, LoraAdapter.Base)]).Segments.ShouldBeEmpty();

    [Property]
    public Property Segments_AnySpans_GiveEachTokenItsAdapter() => Prop.ForAll(Spans, spans =>
        PerToken(new LoraBatch(spans), spans.Sum(span => span.Item1)).SequenceEqual(spans.SelectMany(span => Enumerable.Repeat(span.Item2, span.Item1))));

    [Property]
    public Property Take_AnyTokens_KeepTheirAdapters() => Prop.ForAll(Spans, ArbMap.Default.ArbFor<int>(), (spans, seed) =>
    {
        var adapters = spans.SelectMany(span => Enumerable.Repeat(span.Item2, span.Item1)).ToList();
        var random = new System.Random(seed);
        var chosen = Enumerable.Range(0, adapters.Count).Where(_ => random.Next(2) == 0).ToList();

        return PerToken(Selected(new LoraBatch(spans), chosen), chosen.Count).SequenceEqual(chosen.Select(token => adapters[token]));
    });

    private static Arbitrary<(int, LoraAdapter)[]> Spans => Gen.Choose(1, 4)
        .SelectMany(count => Gen.Elements(Adapters).Select(adapter => (count, adapter)))
        .ArrayOf()
        .ToArbitrary();

    private static LoraBatch Selected(LoraBatch batch, List<int> tokens)
    {
        var selected = new LoraBatch([(1, Adapters[0])]);
        selected.Take(batch, tokens, 0, tokens.Count);
        return selected;
    }

    private static IEnumerable<LoraAdapter> PerToken(LoraBatch batch, int tokens) => Enumerable.Range(0, tokens).Select(token =>
        batch.Segments.Where(segment => segment.Start <= token && token < segment.End).Select(segment => segment.Adapter).SingleOrDefault(LoraAdapter.Base));
}
