using LoraServe.Api.FineTuning;
using LoraServe.Engine.Training.Ranks;
using LoraServe.Jobs;
using LoraServe.Training;

namespace LoraServe.Api.RankStudies;

/// <summary>A study of the rank that a task needs.</summary>
public sealed record RankStudyResource
{
    /// <summary>Its id.</summary>
    /// <example>rank-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public required string Id { get; init; }

    /// <summary>Always rank_study.</summary>
    /// <example>rank_study</example>
    public string Object { get; init; } = RankStudying.Kind;

    /// <summary>When it was asked for, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long CreatedAt { get; init; }

    /// <summary>When it ended, in seconds since 1970; null as long as it has not.</summary>
    /// <example>1767227400</example>
    public required long? FinishedAt { get; init; }

    /// <summary>validating_files, queued, running, succeeded, failed or cancelled.</summary>
    /// <example>succeeded</example>
    public required JobStatus Status { get; init; }

    /// <summary>What was asked for.</summary>
    public required NewRankStudy Request { get; init; }

    /// <summary>Trainings that ended.</summary>
    /// <example>21</example>
    public required int TrainingsDone { get; init; }

    /// <summary>Trainings in all; 0 as long as that is not known.</summary>
    /// <example>21</example>
    public required int TrainingsTotal { get; init; }

    /// <summary>What is being trained; null where nothing is.</summary>
    /// <example>r = 8 on all-linear, 1,600 examples, seed 2</example>
    public required string? Current { get; init; }

    /// <summary>The smallest rank within one standard error of the best; null before the end.</summary>
    /// <example>4</example>
    public required int? PlateauRank { get; init; }

    /// <summary>The placement that it is for.</summary>
    /// <example>all-linear</example>
    public required string? PlateauTarget { get; init; }

    /// <summary>What to do, in words; null before the end.</summary>
    /// <example>Take r = 4 on all-linear: exact match 96.1 % ± 1.3, within one standard error of the best.</example>
    public required string? Recommendation { get; init; }

    /// <summary>What all trainings have in common, a sentence each; empty before the end.</summary>
    /// <example>["Every training makes 400 steps of 16 examples."]</example>
    public required IReadOnlyList<string> Rules { get; init; }

    /// <summary>Every setting, full fine-tuning last; empty before the end.</summary>
    public required IReadOnlyList<RankStudySetting> Settings { get; init; }

    /// <summary>Where the report with its plots is; null before the end.</summary>
    /// <example>/v1/rank_studies/rank-3f9a1c2b7d4e3f9a1c2b7d4e/report.html</example>
    public required string? Report { get; init; }

    /// <summary>Why it failed; null if it did not.</summary>
    public required FineTuningError? Error { get; init; }

    internal static RankStudyResource From(StoredJob job)
    {
        var state = job.ResultAs<RankStudyState>();
        return new RankStudyResource
        {
            Id = job.Id,
            CreatedAt = job.Created.ToUnixTimeSeconds(),
            FinishedAt = job.Finished?.ToUnixTimeSeconds(),
            Status = job.Status,
            Request = job.RequestAs<RankStudyOrder>().Request,
            TrainingsDone = state.Done,
            TrainingsTotal = state.Total,
            Current = job.IsFinished ? null : state.Current,
            PlateauRank = state.Result?.PlateauRank,
            PlateauTarget = state.Result?.PlateauTarget,
            Recommendation = state.Result?.Recommendation,
            Rules = state.Result?.Rules ?? [],
            Settings = [.. (state.Result?.Rows ?? []).Select(RankStudySetting.From)],
            Report = state.Result is null ? null : $"/v1/rank_studies/{job.Id}/report.html",
            Error = FineTuningError.From(job.Error),
        };
    }
}

/// <summary>One setting of a study, over its seeds.</summary>
public sealed record RankStudySetting
{
    /// <summary>The rank; null for full fine-tuning.</summary>
    /// <example>8</example>
    public required int? R { get; init; }

    /// <summary>attention, all-linear, names of modules, or full.</summary>
    /// <example>all-linear</example>
    public required string Target { get; init; }

    /// <summary>Examples that it was trained on.</summary>
    /// <example>1600</example>
    public required int DataSize { get; init; }

    /// <summary>Weights that are trained.</summary>
    /// <example>228864</example>
    public required long Parameters { get; init; }

    /// <summary>The same as a part of the base's weights.</summary>
    /// <example>0.0439</example>
    public required double Share { get; init; }

    /// <summary>Bytes of the adapter's file, or of the checkpoint's.</summary>
    /// <example>924888</example>
    public required long Bytes { get; init; }

    /// <summary>Memory of trained weights, gradients and the optimiser's state.</summary>
    /// <example>3661824</example>
    public required long TrainingBytes { get; init; }

    /// <summary>Mean time of one training.</summary>
    /// <example>41.5</example>
    public required double Seconds { get; init; }

    /// <summary>Seeds whose training diverged; the figures are over the others.</summary>
    /// <example>0</example>
    public required int Diverged { get; init; }

    /// <summary>Mean of the held-out losses; null where every seed diverged.</summary>
    /// <example>0.0112</example>
    public required double? Loss { get; init; }

    /// <summary>Standard error of the mean of the losses over seeds; 0 for one seed.</summary>
    /// <example>0.0004</example>
    public required double? LossStandardError { get; init; }

    /// <summary>Mean of the exact matches; null where nothing was generated.</summary>
    /// <example>0.961</example>
    public required double? ExactMatch { get; init; }

    /// <summary>Standard error of the mean of the exact matches, over seeds and test examples.</summary>
    /// <example>0.013</example>
    public required double? ExactMatchStandardError { get; init; }

    internal static RankStudySetting From(RankStudyRow row) => new()
    {
        R = row.Rank,
        Target = row.Target,
        DataSize = row.DataSize,
        Parameters = row.Parameters,
        Share = row.Share,
        Bytes = row.Bytes,
        TrainingBytes = row.TrainingBytes,
        Seconds = row.Elapsed.TotalSeconds,
        Diverged = row.Diverged,
        Loss = row.Loss?.Mean,
        LossStandardError = row.Loss?.StandardError,
        ExactMatch = row.ExactMatch?.Mean,
        ExactMatchStandardError = row.ExactMatch?.StandardError,
    };
}

/// <summary>Studies, the newest first.</summary>
public sealed record RankStudyList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The studies.</summary>
    public required IReadOnlyList<RankStudyResource> Data { get; init; }

    /// <summary>Whether there are older ones: ask again with after = the last id.</summary>
    /// <example>false</example>
    public required bool HasMore { get; init; }
}
