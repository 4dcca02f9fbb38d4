namespace LoraServe.Engine.Training.Data;

/// <summary>
/// Examples that go through the model in one pass, one after the other and without padding. None attends to another.
/// </summary>
/// <param name="Tokens">Tokens of all examples.</param>
/// <param name="Lengths">Tokens of each example; their sum is the number of tokens.</param>
/// <param name="Targets">For each token, the token that the model is trained to say after it, or -1.</param>
internal sealed record TrainingBatch(IReadOnlyList<int> Tokens, IReadOnlyList<int> Lengths, IReadOnlyList<int> Targets)
{
    /// <summary>Number of targets.</summary>
    public int TargetCount => Targets.Count(target => target >= 0);
}
