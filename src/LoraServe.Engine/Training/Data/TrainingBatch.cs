namespace LoraServe.Engine.Training.Data;

/// <summary>
/// Examples of one pass, packed without padding. They do not attend to each other.
/// </summary>
/// <param name="Tokens">Tokens of all examples.</param>
/// <param name="Lengths">Tokens of each example; their sum is the number of tokens.</param>
/// <param name="Targets">For each token, the target that follows it, or -1.</param>
internal sealed record TrainingBatch(IReadOnlyList<int> Tokens, IReadOnlyList<int> Lengths, IReadOnlyList<int> Targets)
{
    /// <summary>Number of targets.</summary>
    public int TargetCount => Targets.Count(target => target >= 0);
}
