using LoraServe.Jobs;
using LoraServe.Jobs.Storage;
using LoraServe.Training;

namespace LoraServe.Api.FineTuning;

/// <summary>An adapter as it was after a step of a training.</summary>
public sealed record FineTuningCheckpointResource
{
    /// <summary>Its id.</summary>
    /// <example>ftckpt_3f9a1c2b7d4e3f9a1c2b7d4e-100</example>
    public required string Id { get; init; }

    /// <summary>Always fine_tuning.job.checkpoint.</summary>
    /// <example>fine_tuning.job.checkpoint</example>
    public string Object { get; init; } = "fine_tuning.job.checkpoint";

    /// <summary>When it was made, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long CreatedAt { get; init; }

    /// <summary>The name that it gets when it is promoted without another.</summary>
    /// <example>ft:loraserve-demo:support:ckpt-step-100</example>
    public required string FineTunedModelCheckpoint { get; init; }

    /// <summary>The training.</summary>
    /// <example>ftjob-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public required string FineTuningJobId { get; init; }

    /// <summary>After which step.</summary>
    /// <example>100</example>
    public required int StepNumber { get; init; }

    /// <summary>Its figures.</summary>
    public required CheckpointMetrics Metrics { get; init; }

    internal static FineTuningCheckpointResource From(StoredJob job, CheckpointRow checkpoint, StepFigures figures) => new()
    {
        Id = IdOf(job, checkpoint),
        CreatedAt = checkpoint.Created.ToUnixTimeSeconds(),
        FineTunedModelCheckpoint = CheckpointNames.Of(job.RequestAs<FineTuningOrder>().Adapter, checkpoint.Step),
        FineTuningJobId = job.Id,
        StepNumber = checkpoint.Step,
        Metrics = new CheckpointMetrics
        {
            Step = checkpoint.Step,
            TrainLoss = figures.Loss,
            TrainMeanTokenAccuracy = figures.TokenAccuracy,
            ValidLoss = figures.Validation?.Loss,
            ValidMeanTokenAccuracy = figures.Validation?.TokenAccuracy,
            FullValidLoss = figures.Validation?.Loss,
            FullValidMeanTokenAccuracy = figures.Validation?.TokenAccuracy,
            ValidExactMatch = figures.Validation?.ExactMatch,
        },
    };

    internal static string IdOf(StoredJob job, CheckpointRow checkpoint) =>
        $"ftckpt_{job.Id[(job.Id.IndexOf('-') + 1)..]}-{checkpoint.Step}";
}

/// <summary>The figures of a step. Those on held-out examples are null where they were not evaluated after it.</summary>
public sealed record CheckpointMetrics
{
    /// <summary>The step.</summary>
    /// <example>100</example>
    public required double Step { get; init; }

    /// <summary>Mean loss of the step's examples.</summary>
    /// <example>0.15</example>
    public required double? TrainLoss { get; init; }

    /// <summary>Part of their tokens that were the most probable one.</summary>
    /// <example>0.96</example>
    public required double? TrainMeanTokenAccuracy { get; init; }

    /// <summary>Mean loss of the held-out examples.</summary>
    /// <example>0.17</example>
    public required double? ValidLoss { get; init; }

    /// <summary>Part of their tokens that were the most probable one.</summary>
    /// <example>0.95</example>
    public required double? ValidMeanTokenAccuracy { get; init; }

    /// <summary>The same: all held-out examples are evaluated every time.</summary>
    /// <example>0.17</example>
    public required double? FullValidLoss { get; init; }

    /// <summary>The same.</summary>
    /// <example>0.95</example>
    public required double? FullValidMeanTokenAccuracy { get; init; }

    /// <summary>Part of the generated examples whose completion is exactly the expected one.</summary>
    /// <example>0.8</example>
    public required double? ValidExactMatch { get; init; }
}

/// <summary>Checkpoints, the latest step first.</summary>
public sealed record FineTuningCheckpointList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The checkpoints.</summary>
    public required IReadOnlyList<FineTuningCheckpointResource> Data { get; init; }

    /// <summary>Id of the first one; null if there is none.</summary>
    /// <example>ftckpt_3f9a1c2b7d4e3f9a1c2b7d4e-100</example>
    public string? FirstId => Data.Count == 0 ? null : Data[0].Id;

    /// <summary>Id of the last one; null if there is none.</summary>
    /// <example>ftckpt_3f9a1c2b7d4e3f9a1c2b7d4e-100</example>
    public string? LastId => Data.Count == 0 ? null : Data[^1].Id;

    /// <summary>Whether there are earlier ones: ask again with after = the last id.</summary>
    /// <example>false</example>
    public required bool HasMore { get; init; }
}
