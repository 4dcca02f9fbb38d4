using LoraServe.Api;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Storage;
using LoraServe.Engine.Training.Results;
using LoraServe.Keys;

namespace LoraServe.Jobs;

/// <summary>Why a job failed, from the exception that its work threw.</summary>
internal static class JobErrors
{
    /// <summary>The code of errors that only the log explains.</summary>
    public const string Internal = "server_error";

    /// <summary>The error that the job ends with.</summary>
    /// <param name="exception">What its work threw.</param>
    /// <param name="data">The data folder, whose path is not told to clients.</param>
    /// <param name="access">What the job's owner may be told.</param>
    public static JobError Of(Exception exception, string data, AdapterAccess access)
    {
        var error = Of(exception, access);
        return error with { Message = error.Message.Replace(Path.GetFullPath(data), "(data folder)") };
    }

    /// <summary>Whether the same work may succeed a little later.</summary>
    public static bool IsTransient(Exception exception) => exception is EngineOverloadedException or AdapterCacheFullException
        or GenerationFailedException { InnerException: EngineOverloadedException };

    private static JobError Of(Exception exception, AdapterAccess access) => exception switch
    {
        JobFailedException e => e.Error,
        _ when InsufficientStorage.IsCauseOf(exception) => new JobError("insufficient_storage", "The server's disk is full.", null),
        TrainingFailedException { InnerException: IOException } e => new JobError("storage_failed", e.Message, null),
        TrainingFailedException e => new JobError("training_failed", e.Message, null),
        IOException e => new JobError("storage_failed", $"The server's disk failed: {e.Message}", null),
        // An unexpected exception has no code, and its message is for the log alone.
        _ when ErrorMapper.Map(exception, access) is var (status, error)
            && (status != StatusCodes.Status500InternalServerError || error.Code is not null) =>
            new JobError(error.Code ?? error.Type, error.Message, null),
        _ => new JobError(Internal, "The server failed; its log says why.", null),
    };
}
