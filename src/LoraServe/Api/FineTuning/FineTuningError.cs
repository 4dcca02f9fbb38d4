using LoraServe.Jobs;

namespace LoraServe.Api.FineTuning;

/// <summary>Why a training failed.</summary>
public sealed record FineTuningError
{
    /// <summary>
    /// For a program: invalid_training_file, invalid_validation_file, invalid_hyperparameters, training_failed, storage_failed, ...
    /// </summary>
    /// <example>invalid_training_file</example>
    public required string Code { get; init; }

    /// <summary>For a person, with every fault.</summary>
    /// <example>sql.train.jsonl line 7: expected a prompt and a completion, found only a prompt</example>
    public required string Message { get; init; }

    /// <summary>The field of the request at fault; null if there is none.</summary>
    /// <example>training_file</example>
    public required string? Param { get; init; }

    internal static FineTuningError? From(JobError? error) =>
        error is null ? null : new FineTuningError { Code = error.Code, Message = error.Message, Param = error.Param };
}
