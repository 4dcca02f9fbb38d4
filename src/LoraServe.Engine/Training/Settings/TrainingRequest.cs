namespace LoraServe.Engine.Training.Settings;

/// <summary>A training as requested.</summary>
public sealed record TrainingRequest
{
    /// <summary>JSONL file of the examples.</summary>
    public required string TrainingFile { get; init; }

    /// <summary>JSONL file of held-out examples; null: none, or a part of the training file, see <see cref="ValidationSplit"/>.</summary>
    public string? ValidationFile { get; init; }

    /// <summary>Fraction of the training examples held out for validation, from 0 to below 1; not together with a file.</summary>
    public double ValidationSplit { get; init; }

    /// <summary>How to train.</summary>
    public Hyperparameters Hyperparameters { get; init; } = new();

    /// <summary>
    /// Folder of the run: checkpoints, and at the end the adapter in "adapter", or in "model" for a full training. A folder with a
    /// checkpoint of the same run is resumed.
    /// </summary>
    public required string Folder { get; init; }
}
