using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Training.Data;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Data;

public class TrainingBatchesTests
{
    [Property(MaxTest = 200)]
    public void Step_WholeEpochs_SeeEveryExampleOnce(PositiveInt count, PositiveInt batchSize, PositiveInt mostTokens, int seed)
    {
        var examples = Examples(count.Get);
        var batches = new TrainingBatches(examples, batchSize.Get, mostTokens.Get, seed);

        for (var epoch = 0; epoch < 2; epoch++)
        {
            var seen = Enumerable.Range(epoch * batches.StepsPerEpoch, batches.StepsPerEpoch)
                .SelectMany(step => Lines(batches.Step(step))).Order().ToList();
            seen.ShouldBe(Enumerable.Range(0, count.Get));
        }
    }

    [Property(MaxTest = 200)]
    public void Step_AnyStep_IsTheSameWhereverItIsAskedFrom(PositiveInt count, PositiveInt batchSize, int seed, NonNegativeInt step)
    {
        var examples = Examples(count.Get);
        var throughout = new TrainingBatches(examples, batchSize.Get, 64, seed);
        for (var i = 0; i < step.Get; i++) throughout.Step(i);

        var resumed = new TrainingBatches(examples, batchSize.Get, 64, seed).Step(step.Get);

        Lines(throughout.Step(step.Get)).ShouldBe(Lines(resumed));
    }

    [Property(MaxTest = 200)]
    public void Passes_AnyExamples_HoldAtMostTheTokensOrOneExample(PositiveInt count, PositiveInt mostTokens)
    {
        var examples = Examples(count.Get);

        var passes = TrainingBatches.Passes(examples, mostTokens.Get);

        foreach (var pass in passes)
        {
            (pass.Tokens.Count <= mostTokens.Get || pass.Lengths.Count == 1).ShouldBeTrue();
            pass.Lengths.Sum().ShouldBe(pass.Tokens.Count);
            pass.Targets.Count.ShouldBe(pass.Tokens.Count);
        }

        passes.SelectMany(pass => pass.Tokens).ShouldBe(examples.SelectMany(example => example.Tokens));
    }

    [Fact]
    public void Step_OrderOfTheReference_TakesTheseRows()
    {
        var batches = new TrainingBatches(Examples(8), 4, 1000, _ => [0, 1, 2, 3, 4, 5, 6, 7]);

        for (var step = 0; step < 20; step++)
            Lines(batches.Step(step)).Order().ShouldBe(Enumerable.Range(0, 4).Select(i => ((4 * step) + i) % 8));
    }

    [Fact]
    public void Passes_PackedExamples_NeverAskForTheFirstTokenOfTheNext()
    {
        var examples = new[] { Example([7, 8, 9], [false, false, true]), Example([1, 2, 3, 4], [false, true, false, true]) };

        var pass = TrainingBatches.Passes(examples, 100).ShouldHaveSingleItem();

        pass.Tokens.ShouldBe([7, 8, 9, 1, 2, 3, 4]);
        pass.Lengths.ShouldBe([3, 4]);
        pass.Targets.ShouldBe([-1, 9, -1, 2, -1, 4, -1]);
        pass.TargetCount.ShouldBe(3);
    }

    [Fact]
    public void Shuffled_OtherSeedOrEpoch_IsAnotherOrder()
    {
        var order = ExampleOrder.Shuffled(50, 1, 0);

        order.ShouldBe(ExampleOrder.Shuffled(50, 1, 0));
        order.ShouldNotBe(ExampleOrder.Shuffled(50, 1, 1));
        order.ShouldNotBe(ExampleOrder.Shuffled(50, 2, 0));
        order.ShouldNotBe(Enumerable.Range(0, 50));
    }

    [Fact]
    public void Shuffled_ManySeeds_PutsEveryExampleEverywhere()
    {
        var counts = new int[5, 5];
        for (var seed = 0; seed < 5000; seed++)
        {
            var order = ExampleOrder.Shuffled(5, seed, 0);
            for (var i = 0; i < 5; i++) counts[i, order[i]]++;
        }

        // 1000 expected in each place; the standard deviation is 28.
        foreach (var count in counts) count.ShouldBeInRange(850, 1150);
    }

    // The first token of an example identifies it.
    private static List<TrainingExample> Examples(int count) =>
        [.. Enumerable.Range(0, count).Select(i => Example([.. Enumerable.Repeat(i, 2 + (i * 7 % 11))], [false, true]))];

    private static TrainingExample Example(int[] tokens, bool[] isTarget) =>
        new(1, tokens, [.. isTarget, .. new bool[tokens.Length - isTarget.Length]]) { Prompt = [], Completion = "" };

    private static IEnumerable<int> Lines(IReadOnlyList<TrainingBatch> passes)
    {
        foreach (var pass in passes)
        {
            var start = 0;
            foreach (var length in pass.Lengths)
            {
                yield return pass.Tokens[start];
                start += length;
            }
        }
    }
}
