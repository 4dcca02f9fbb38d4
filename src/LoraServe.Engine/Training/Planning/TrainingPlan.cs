using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Planning;

/// <summary>A training that can begin: everything has been checked and chosen.</summary>
public sealed record TrainingPlan
{
    /// <summary>What was asked for.</summary>
    public required TrainingRequest Request { get; init; }

    /// <summary>How it runs.</summary>
    public required TrainingSettings Settings { get; init; }

    /// <summary>What was chosen and why, a sentence each: "rank 8: ...".</summary>
    public required IReadOnlyList<string> Choices { get; init; }

    /// <summary>The examples to train on.</summary>
    public required TrainingDataset Training { get; init; }

    /// <summary>The held-out examples, or null.</summary>
    public required TrainingDataset? Validation { get; init; }

    /// <summary>Number of weights that are trained.</summary>
    public required long TrainedParameters { get; init; }

    /// <summary>About how much memory it takes beside the base.</summary>
    public long MemoryBytes { get; init; }
}
