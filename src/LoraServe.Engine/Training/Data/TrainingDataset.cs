namespace LoraServe.Engine.Training.Data;

/// <summary>The examples of a JSONL file, checked and tokenised.</summary>
public sealed record TrainingDataset
{
    /// <summary>At least one.</summary>
    public required IReadOnlyList<TrainingExample> Examples { get; init; }

    /// <summary>SHA-256 of the file, lower-case hexadecimal.</summary>
    public required string Hash { get; init; }

    /// <summary>Warnings: skipped examples, each with its line and reason.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Tokens of all examples.</summary>
    public long Tokens => Examples.Sum(example => (long)example.Tokens.Count);
}
