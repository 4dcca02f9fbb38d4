namespace LoraServe.Engine.Training.Data;

/// <summary>
/// The examples of every step, computed from the step's number alone, so that a training can resume anywhere without state. An
/// epoch sees every example once; its last step has the remainder.
/// </summary>
/// <param name="examples">At least one.</param>
/// <param name="batchSize">Examples of a step, at least 1.</param>
/// <param name="microBatchTokens">Maximum tokens of a pass; a longer example has a pass of its own.</param>
/// <param name="order">The order of the examples, as indices, for every epoch from 0 on.</param>
internal sealed class TrainingBatches(
    IReadOnlyList<TrainingExample> examples, int batchSize, int microBatchTokens, Func<int, IReadOnlyList<int>> order)
{
    private (int Epoch, IReadOnlyList<int> Order) _latest = (-1, []);

    /// <summary>In an order that is reshuffled from the seed for every epoch.</summary>
    public TrainingBatches(IReadOnlyList<TrainingExample> examples, int batchSize, int microBatchTokens, long seed)
        : this(examples, batchSize, microBatchTokens, epoch => ExampleOrder.Shuffled(examples.Count, seed, epoch))
    {
    }

    /// <summary>Steps of an epoch.</summary>
    public int StepsPerEpoch => Steps(examples.Count, batchSize);

    /// <summary>Steps of an epoch of this many examples.</summary>
    public static int Steps(int examples, int batchSize) => (int)(((long)examples + batchSize - 1) / batchSize);

    /// <summary>The passes of a step.</summary>
    /// <param name="step">From 0.</param>
    public IReadOnlyList<TrainingBatch> Step(int step)
    {
        var (epoch, inEpoch) = Math.DivRem(step, StepsPerEpoch);
        if (_latest.Epoch != epoch) _latest = (epoch, order(epoch));
        // Examples of similar length go together; the sum of the gradients is the same.
        var chosen = _latest.Order.Skip(inEpoch * batchSize).Take(batchSize).Select(index => examples[index]);
        return Passes(chosen.OrderByDescending(example => example.Tokens.Count), microBatchTokens);
    }

    /// <summary>Packs examples, in order, into as few passes as possible.</summary>
    /// <param name="examples">Any number.</param>
    /// <param name="mostTokens">Maximum of a pass; a longer example has a pass of its own.</param>
    public static IReadOnlyList<TrainingBatch> Passes(IEnumerable<TrainingExample> examples, int mostTokens)
    {
        var passes = new List<TrainingBatch>();
        var (current, tokens) = (new List<TrainingExample>(), 0L);
        foreach (var example in examples)
        {
            if (current.Count > 0 && tokens + example.Tokens.Count > mostTokens)
            {
                passes.Add(Pack(current));
                (current, tokens) = ([], 0);
            }

            current.Add(example);
            tokens += example.Tokens.Count;
        }

        if (current.Count > 0) passes.Add(Pack(current));
        return passes;
    }

    private static TrainingBatch Pack(IReadOnlyList<TrainingExample> examples) => new(
        [.. examples.SelectMany(example => example.Tokens)],
        [.. examples.Select(example => example.Tokens.Count)],
        [.. examples.SelectMany(Targets)]);

    private static IEnumerable<int> Targets(TrainingExample example)
    {
        for (var i = 1; i < example.Tokens.Count; i++) yield return example.IsTarget[i] ? example.Tokens[i] : -1;
        yield return -1;
    }
}
