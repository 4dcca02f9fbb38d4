using LoraServe.Api.Compare;
using LoraServe.Api.FineTuning;
using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Storage;
using LoraServe.Engine.Training.Settings;
using LoraServe.Files;
using LoraServe.Hosting;
using LoraServe.Jobs;
using LoraServe.Keys;
using LoraServe.Metrics;
using LoraServe.Training;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.WebUtilities;

namespace LoraServe.Api;

/// <summary>The one place where an exception becomes a status and an error in OpenAI's shape.</summary>
internal sealed partial class ErrorMapper(ILogger<ErrorMapper> log) : IExceptionHandler
{
    private const string DiskFull = "The server's disk is full, and nothing was stored. Deleting adapters, files and jobs works nevertheless and makes room.";

    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be answered; logs and metrics must not take it for a fault of the server.
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }

        if (Map(exception).Status == StatusCodes.Status500InternalServerError) LogFailed(exception);
        await WriteAsync(context, exception);
        return true;
    }

    /// <summary>Answers a request that was refused on its way to an endpoint.</summary>
    public static Task WriteAsync(HttpContext context, Exception exception)
    {
        var (status, error) = Map(exception, context.User.Caller().Access);
        HttpErrors.NoteRefusal(context, exception);
        return WriteAsync(context, status, error, (exception as QuotaExceededException)?.RetryAfter);
    }

    /// <summary>Answers a status that has no body of its own: an unknown route, a wrong method.</summary>
    public static Task WriteStatusAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        return WriteAsync(context, response.StatusCode, response.StatusCode switch
        {
            StatusCodes.Status404NotFound =>
                Invalid($"There is nothing at {request.Path}; {request.PathBase}/swagger shows what there is.", null, "not_found"),
            StatusCodes.Status405MethodNotAllowed =>
                Invalid($"{request.Path} does not answer {request.Method}, only {response.Headers.Allow}.", null, "method_not_allowed"),
            >= StatusCodes.Status500InternalServerError and var status => Server(ReasonPhrases.GetReasonPhrase(status), null),
            var status => Invalid(ReasonPhrases.GetReasonPhrase(status), null, null),
        });
    }

    /// <summary>The status and the error that answer an exception, as far as a caller may be told.</summary>
    public static (int Status, ApiError Error) Map(Exception exception, AdapterAccess access)
    {
        var (status, error) = Map(exception);
        return (status, exception is AdapterException adapter
            ? error with { Message = access.Explain(error.Message, adapter.Adapters) }
            : error);
    }

    private static (int Status, ApiError Error) Map(Exception exception) => exception switch
    {
        // Whatever was being written, and whoever says so.
        _ when InsufficientStorage.IsCauseOf(exception) => (StatusCodes.Status507InsufficientStorage, Server(DiskFull, "insufficient_storage")),
        InvalidRequestException e => (StatusCodes.Status400BadRequest, Invalid(e.Message, e.Faults[0].Param, e.Faults[0].Code)),
        ContextLengthExceededException e => (StatusCodes.Status400BadRequest, Invalid(e.Message, "prompt", "context_length_exceeded")),
        UnknownAdapterException e =>
            (StatusCodes.Status404NotFound, Invalid(e.Message, "model", "model_not_found")),
        UnknownAdaptersException e => (StatusCodes.Status404NotFound, Invalid(e.Message, "adapters", "model_not_found")),
        InvalidAdapterReferenceException e => (StatusCodes.Status400BadRequest, Invalid(e.Message, "adapter", "invalid_adapter")),
        InvalidAdapterPatchException e => (StatusCodes.Status400BadRequest, Invalid(e.Message, null, "invalid_patch")),
        AdapterInUseException e => (StatusCodes.Status409Conflict, Invalid(e.Message, "name", "adapter_in_use")),
        AdapterTooLargeException e => (StatusCodes.Status400BadRequest, Invalid(e.Message, "model", "adapter_too_large")),
        AdapterCacheFullException e => (StatusCodes.Status503ServiceUnavailable, Server(e.Message, "adapter_memory_full")),
        MergedSlotsFullException e => (StatusCodes.Status503ServiceUnavailable, Server(e.Message, "merged_memory_full")),
        NotFiniteNumberException e => (StatusCodes.Status422UnprocessableEntity, Invalid(e.Message, "name", "adapter_not_finite")),
        AdapterExistsException e => (StatusCodes.Status409Conflict, Invalid(e.Message, "name", "adapter_exists")),
        AdapterReadOnlyException e => (StatusCodes.Status409Conflict, Invalid(e.Message, "name", "adapter_read_only")),
        InvalidAdapterException { Kind: AdapterFault.Incompatible } e =>
            (StatusCodes.Status422UnprocessableEntity, Invalid(e.Message, "file", "adapter_incompatible")),
        InvalidAdapterException { Kind: AdapterFault.TooLarge } e =>
            (StatusCodes.Status413PayloadTooLarge, Invalid(e.Message, "file", "adapter_too_large")),
        InvalidAdapterException e => (StatusCodes.Status400BadRequest, Invalid(e.Message, "file", "adapter_malformed")),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
            (StatusCodes.Status413PayloadTooLarge, Invalid("The body is larger than this server accepts.", null, "request_too_large")),
        BadHttpRequestException e => (e.StatusCode, Invalid(e.Message, null, null)),
        KeyEndedException e => (StatusCodes.Status401Unauthorized, Invalid(e.Message, null, "invalid_api_key")),
        // Kestrel counts the bytes of a chunk in 32 bits.
        IOException { InnerException: OverflowException } =>
            (StatusCodes.Status400BadRequest, Invalid("A chunk of the body says that it has 2 GiB or more.", null, null)),
        PermissionException e => (StatusCodes.Status403Forbidden, Error("permission_error", e.Message, null, e.Code)),
        UnknownKeyException e => (StatusCodes.Status404NotFound, Invalid(e.Message, "id", "key_not_found")),
        UnknownFileException e => (StatusCodes.Status404NotFound, Invalid(e.Message, "id", "file_not_found")),
        UnknownJobException e => (StatusCodes.Status404NotFound, Invalid(e.Message, "id", "job_not_found")),
        UnknownBaseException e => (StatusCodes.Status404NotFound, Invalid(e.Message, "model", "model_not_found")),
        JobStateException e => (StatusCodes.Status400BadRequest, Invalid(e.Message, "id", "invalid_job_state")),
        JobNotEndedException e => (StatusCodes.Status409Conflict, Invalid(e.Message, "id", "job_not_ended")),
        ConditionsNotMetException e => (StatusCodes.Status409Conflict, Invalid(e.Message, "if", "conditions_not_met")),
        InvalidTrainingException e => (StatusCodes.Status400BadRequest, Invalid(e.Message, null, "invalid_training")),
        QuotaExceededException e =>
            (StatusCodes.Status429TooManyRequests, Error("rate_limit_error", e.Message, null, "rate_limit_exceeded")),
        EngineOverloadedException e =>
            (StatusCodes.Status429TooManyRequests, Error("rate_limit_error", e.Message, null, "rate_limit_exceeded")),
        TooManyExportsException e =>
            (StatusCodes.Status429TooManyRequests, Error("rate_limit_error", e.Message, null, "rate_limit_exceeded")),
        JobQueueFullException e =>
            (StatusCodes.Status429TooManyRequests, Error("rate_limit_error", e.Message, null, "rate_limit_exceeded")),
        EngineNotReadyException e => (StatusCodes.Status503ServiceUnavailable, Server(e.Message, "unavailable")),
        // It was taken in and could not be finished before the server stopped; another server can do it.
        GenerationFailedException { InnerException: EngineOverloadedException e } =>
            (StatusCodes.Status503ServiceUnavailable, Server(e.Message, "unavailable")),
        DamagedAdapterException e => (StatusCodes.Status500InternalServerError, Server(e.Message, "adapter_damaged")),
        GenerationFailedException e => (StatusCodes.Status500InternalServerError, Server(e.Message, "generation_failed")),
        _ => (StatusCodes.Status500InternalServerError, Server("The server failed; its log says why.", null)),
    };

    /// <summary>Answers an error.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">Its status.</param>
    /// <param name="error">What went wrong.</param>
    /// <param name="retryAfter">When a client may try again after a 429 or a 503; null: soon.</param>
    public static async Task WriteAsync(HttpContext context, int status, ApiError error, TimeSpan? retryAfter = null)
    {
        context.Response.StatusCode = status;
        var headers = context.Response.Headers;
        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
            headers.RetryAfter = $"{Math.Ceiling(retryAfter?.TotalSeconds ?? 1)}";
        // OpenAI's clients repeat a 409 on their own; the same upload would only meet the same adapter again.
        if (status == StatusCodes.Status409Conflict) headers["x-should-retry"] = "false";
        // A client that goes away meanwhile makes this fail as little as one that stays.
        await context.Response.WriteAsJsonAsync(new ErrorResponse(error), CancellationToken.None);
    }

    private static ApiError Invalid(string message, string? param, string? code) => Error("invalid_request_error", message, param, code);

    private static ApiError Server(string message, string? code) => Error("server_error", message, null, code);

    private static ApiError Error(string type, string message, string? param, string? code) =>
        new() { Message = message, Type = type, Param = param, Code = code };

    [LoggerMessage(LogLevel.Error, "A request failed")]
    private partial void LogFailed(Exception exception);
}
