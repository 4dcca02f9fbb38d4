using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Planning;

/// <summary>A training that is ready to start: everything is checked and chosen.</summary>
public sealed record TrainingPlan
{
    /// <summary>The request.</summary>
    public required TrainingRequest Request { get; init; }

    /// <summary>How it runs.</summary>
    public required TrainingSettings Settings { get; init; }

    /// <summary>What was chosen and why, one sentence each: "rank 8: ...".</summary>
    public required IReadOnlyList<string> Choices { get; init; }

    /// <summary>The examples to train on.</summary>
    public required TrainingDataset Training { get; init; }

    /// <summary>The held-out examples, or null.</summary>
    public required TrainingDataset? Validation { get; init; }

    /// <summary>Number of trained weights.</summary>
    public required long TrainedParameters { get; init; }

    /// <summary>Estimated memory beside the base, in bytes.</summary>
    public long MemoryBytes { get; init; }
}
