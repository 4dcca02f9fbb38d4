using LoraServe.Jobs;
using LoraServe.Training;

namespace LoraServe.Api.FineTuning;

/// <summary>A training as the API shows it.</summary>
public sealed record FineTuningJobResource
{
    /// <summary>Its id.</summary>
    /// <example>ftjob-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public required string Id { get; init; }

    /// <summary>Always fine_tuning.job.</summary>
    /// <example>fine_tuning.job</example>
    public string Object { get; init; } = FineTuner.Kind;

    /// <summary>When it was asked for, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long CreatedAt { get; init; }

    /// <summary>When it ended, in seconds since 1970; null as long as it has not.</summary>
    /// <example>1767225900</example>
    public required long? FinishedAt { get; init; }

    /// <summary>validating_files, queued, running, succeeded, failed or cancelled. A paused one is queued.</summary>
    /// <example>succeeded</example>
    public required JobStatus Status { get; init; }

    /// <summary>Whether somebody holds it; resume lets it go on.</summary>
    /// <example>false</example>
    public required bool Paused { get; init; }

    /// <summary>The base model that it was asked for.</summary>
    /// <example>loraserve-demo</example>
    public required string Model { get; init; }

    /// <summary>The name of the adapter; null as long as there is none.</summary>
    /// <example>ft:loraserve-demo:support</example>
    public required string? FineTunedModel { get; init; }

    /// <summary>The version that this training made: the name may mean a later one by now.</summary>
    /// <example>9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</example>
    public required string? FineTunedVersion { get; init; }

    /// <summary>Id of the key that asked for it, or what stands for one.</summary>
    /// <example>3f9a1c2b7d4e</example>
    public required string OrganizationId { get; init; }

    /// <summary>A file with the figures of all steps, once it has succeeded.</summary>
    /// <example>["file-4e3f9a1c2b7d4e3f9a1c2b7d"]</example>
    public required IReadOnlyList<string> ResultFiles { get; init; }

    /// <summary>Tokens that it trained on; null as long as it has not succeeded.</summary>
    /// <example>310442</example>
    public required long? TrainedTokens { get; init; }

    /// <summary>The file of examples.</summary>
    /// <example>file-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public required string TrainingFile { get; init; }

    /// <summary>The file of held-out examples; null if there is none.</summary>
    /// <example>file-5a1c2b7d4e3f9a1c2b7d4e3f</example>
    public required string? ValidationFile { get; init; }

    /// <summary>Which part of the examples is held out in the place of a file; null if none is.</summary>
    /// <example>null</example>
    public required double? ValidationSplit { get; init; }

    /// <summary>The hyperparameters; those that were left open are auto until the files have been read.</summary>
    public required ChosenHyperparameters Hyperparameters { get; init; }

    /// <summary>How it is trained.</summary>
    public required ChosenMethod Method { get; init; }

    /// <summary>Decides all that is left to chance.</summary>
    /// <example>7</example>
    public required int Seed { get; init; }

    /// <summary>Why it failed; null if it did not.</summary>
    public required FineTuningError? Error { get; init; }

    /// <summary>When it will probably end, in seconds since 1970; null if that is unknown.</summary>
    /// <example>1767225900</example>
    public required long? EstimatedFinish { get; init; }

    /// <summary>Always empty.</summary>
    /// <example>[]</example>
    public IReadOnlyList<string> Integrations { get; init; } = [];

    /// <summary>The caller's own names and texts.</summary>
    /// <example>{"team": "support"}</example>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>The suffix that was asked for; null if none was.</summary>
    /// <example>support</example>
    public required string? UserProvidedSuffix { get; init; }

    /// <summary>Mean loss of the last steps; null as long as it has not succeeded.</summary>
    /// <example>0.018</example>
    public required double? TrainingLoss { get; init; }

    /// <summary>
    /// The step whose state was taken: the best one on the validation data, else the last; null as long as it has not succeeded.
    /// </summary>
    /// <example>400</example>
    public required int? BestStep { get; init; }

    /// <summary>The held-out examples at that step, which conditions of a promotion are about; null where there are none.</summary>
    public required FiguresResource? Figures { get; init; }

    internal static FineTuningJobResource From(StoredJob job, DateTimeOffset? estimatedFinish)
    {
        var (order, state) = (job.RequestAs<FineTuningOrder>(), job.ResultAs<FineTuningState>());
        var basic = ChosenHyperparameters.From(state.Basic ?? order.Basic());
        return new FineTuningJobResource
        {
            Id = job.Id,
            CreatedAt = job.Created.ToUnixTimeSeconds(),
            FinishedAt = job.Finished?.ToUnixTimeSeconds(),
            Status = job.Status,
            Paused = job.IsPaused,
            Model = order.Request.Model!,
            FineTunedModel = job.Status == JobStatus.Succeeded ? state.Adapter : null,
            FineTunedVersion = job.Status == JobStatus.Succeeded ? state.Version : null,
            OrganizationId = job.Owner,
            ResultFiles = state.ResultFile is { } file ? [file] : [],
            TrainedTokens = state.TrainedTokens,
            TrainingFile = order.Request.TrainingFile!,
            ValidationFile = order.Request.ValidationFile,
            ValidationSplit = order.Request.ValidationSplit,
            Hyperparameters = basic,
            Method = ChosenMethod.From(basic, state.Lora ?? order.Lora()),
            Seed = order.Seed,
            Error = FineTuningError.From(job.Error),
            EstimatedFinish = estimatedFinish?.ToUnixTimeSeconds(),
            Metadata = order.Request.Metadata ?? new Dictionary<string, string>(),
            UserProvidedSuffix = order.Request.Suffix,
            TrainingLoss = state.TrainingLoss,
            BestStep = state.BestStep,
            Figures = state.Validation,
        };
    }
}
