using LoraServe.Engine.Training.Data;

namespace LoraServe.Engine.Training.Planning;

/// <summary>Memory of examples.</summary>
internal static class DatasetMemory
{
    // Bytes of an example's objects; of a token with its mark; and of its share of the completion's text.
    private const int BytesOfExample = 256;
    private const int BytesOfToken = 16;

    // Examples evaluated at once, and bytes of log probabilities per token.
    private const int Evaluated = 16;
    private const int BytesOfLogprob = 128;

    /// <summary>Bytes of the examples.</summary>
    public static long Of(TrainingDataset data) => (BytesOfExample * (long)data.Examples.Count) + (BytesOfToken * data.Tokens);

    /// <summary>Bytes of an evaluation beyond the memory of requests.</summary>
    public static long OfEvaluation(TrainingDataset data) => (2 * Of(data)) + (Evaluated * BytesOfLogprob * Longest(data));

    /// <summary>Tokens of the longest example.</summary>
    public static long Longest(TrainingDataset data) => data.Examples.Max(example => example.Tokens.Count);
}
