using LoraServe.Engine.Training.Data;

namespace LoraServe.Engine.Training.Planning;

/// <summary>What examples take in memory.</summary>
internal static class DatasetMemory
{
    // An example's objects; a token with its mark, and what it adds to the text of the completion.
    private const int BytesOfExample = 256;
    private const int BytesOfToken = 16;

    // Examples that are evaluated at once, and the log probabilities of a token of theirs.
    private const int Evaluated = 16;
    private const int BytesOfLogprob = 128;

    /// <summary>Bytes of the examples.</summary>
    public static long Of(TrainingDataset data) => (BytesOfExample * (long)data.Examples.Count) + (BytesOfToken * data.Tokens);

    /// <summary>Bytes that an evaluation on them takes beside what requests have.</summary>
    public static long OfEvaluation(TrainingDataset data) => (2 * Of(data)) + (Evaluated * BytesOfLogprob * Longest(data));

    /// <summary>Tokens of the longest example.</summary>
    public static long Longest(TrainingDataset data) => data.Examples.Max(example => example.Tokens.Count);
}
