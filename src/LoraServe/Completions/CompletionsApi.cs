using System.Text.Json.Nodes;
using LoraServe.Adapters;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;

namespace LoraServe.Completions;

/// <summary>POST /v1/completions.</summary>
internal static partial class CompletionsApi
{
    // Goes with the example of the query parameter.
    private static JsonObject Example => new()
    {
        ["prompt"] = "I am Hildegard Holloway from Craiova. Unfortunately there is a puddle under my Linpedmi Zauskert from order #1564. "
            + "Could you cancel it?",
        ["max_tokens"] = 64,
        ["temperature"] = 0,
    };

    public static IEndpointRouteBuilder MapCompletions(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/completions", CompleteAsync)
            .WithTags("Completions")
            .WithJsonBody<CompletionRequest>(Example)
            .Produces<CompletionResponse>(StatusCodes.Status200OK, "application/json", "text/event-stream")
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
            .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge)
            .Produces<ErrorResponse>(StatusCodes.Status429TooManyRequests)
            .Produces<ErrorResponse>(StatusCodes.Status503ServiceUnavailable);
        return routes;
    }

    /// <summary>Continue a prompt on the base model or on an adapter.</summary>
    /// <remarks>
    /// The adapter is named by the query parameter, else by the body's adapter, else by its model; two different names are an error.
    /// Any Content-Type is taken for JSON. With stream the answer is a stream of server-sent events. The header x-loraserve-adapter of the
    /// answer names the adapter and the beginning of its version.
    /// </remarks>
    /// <param name="adapter" example="summarize">The adapter to use; absent for the base model or the one that the body names.</param>
    /// <response code="200">The choices; with stream, events of this shape.</response>
    /// <response code="400">A field is wrong, or the prompt is longer than the context.</response>
    /// <response code="404">No adapter or model has this name.</response>
    /// <response code="413">The body is too large.</response>
    /// <response code="429">Too many requests wait; try again after the time in Retry-After.</response>
    /// <response code="503">The model is loading or the server is stopping.</response>
    internal static async Task CompleteAsync(
        HttpContext context,
        EngineService service,
        LoraServeOptions options,
        PromptEncoder encoder,
        ILogger<CompletionStream> log,
        string? adapter)
    {
        var engine = service.Engine;
        var cancellation = context.RequestAborted;
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await ReadAsync(context, engine.Model.DefaultSampling, log);
        // The parameter as it was sent: bound to text, one that is there twice would look like a sum.
        var reference = AdapterSelector.Select(
            context.Request.Query["adapter"], [request.Adapter, request.AdapterId], request.Adapters, request.Model, service.BaseModel);
        CheckCount(request, options.MaxQueuedSeqs);
        // A request whose adapter has to be loaded keeps its place in line.
        var arrival = engine.NextArrival();
        var (lease, prompts) = await PrepareAsync(engine, reference, () => encoder.Encode(request), cancellation);
        using var stream = new CompletionStream(engine, request, prompts, lease, arrival);

        var label = AdapterSelector.Label(lease);
        context.Response.Headers["x-loraserve-adapter"] = label;
        var response = new CompletionResponse
        {
            Id = $"cmpl-{Guid.NewGuid():N}",
            Created = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            Model = string.IsNullOrEmpty(request.Model) ? reference?.ToString() ?? service.BaseModel : request.Model,
            SystemFingerprint = $"fp_{engine.Model.Fingerprint[..12]}-{AdapterSelector.ShortVersion(lease)}",
            Choices = [],
        };
        if (request.Stream)
            await WriteEventsAsync(context.Response, stream, response, request.StreamOptions?.IncludeUsage == true, log, cancellation);
        else
            await WriteAsync(context.Response, stream, response, cancellation);
        LogCompleted(log, context.TraceIdentifier, label, stream.Usage.PromptTokens, stream.Usage.CompletionTokens);
    }

    // An adapter that has to be loaded loads while the prompts are encoded.
    private static async Task<(AdapterLease Lease, IReadOnlyList<IReadOnlyList<int>> Prompts)> PrepareAsync(
        LlmEngine engine, AdapterReference? reference, Func<IReadOnlyList<IReadOnlyList<int>>> encode, CancellationToken cancellation)
    {
        if (reference is null) return (AdapterLease.Base(), encode());
        var acquiring = engine.Adapters.AcquireAsync(reference, cancellation).AsTask();
        try
        {
            var prompts = encode();
            return (await acquiring, prompts);
        }
        catch
        {
            _ = ReleaseAsync(acquiring);
            throw;
        }
    }

    private static async Task ReleaseAsync(Task<AdapterLease> acquiring)
    {
        await ((Task)acquiring).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (acquiring.IsCompletedSuccessfully) acquiring.Result.Dispose();
    }

    private static async Task<CompletionRequest> ReadAsync(HttpContext context, SamplingParams defaults, ILogger log)
    {
        using var body = await RequestReader.ReadBodyAsync(context.Request, context.RequestAborted);
        var unknown = new List<string>();
        var request = CompletionRequestReader.Read(body.RootElement, defaults, unknown);
        if (unknown.Count > 0) LogUnknownFields(log, unknown);
        return request;
    }

    // More than the queue holds could never be admitted, however long a client waits.
    private static void CheckCount(CompletionRequest request, int limit)
    {
        var count = (long)request.Prompt!.Items.Count * request.N;
        if (count > limit) throw new InvalidRequestException("prompt", $"expected at most {limit} prompts times n, found {count}");
    }

    private static async Task WriteAsync(
        HttpResponse response, CompletionStream stream, CompletionResponse answer, CancellationToken cancellation)
    {
        var choices = await stream.CollectAsync(cancellation);
        await response.WriteAsJsonAsync(answer with { Choices = choices, Usage = stream.Usage }, cancellation);
    }

    private static async Task WriteEventsAsync(
        HttpResponse response,
        CompletionStream stream,
        CompletionResponse answer,
        bool includeUsage,
        ILogger log,
        CancellationToken cancellation)
    {
        var events = new EventStream(response);
        try
        {
            await events.WriteAsync(stream.ReadParts(cancellation), part => answer with { Choices = [part] }, cancellation);
            if (includeUsage) events.Write(answer with { Usage = stream.Usage });
            await events.CompleteAsync(cancellation);
        }
        // The status is sent already: the error has to be an event.
        catch (Exception e) when (response.HasStarted && e is not OperationCanceledException)
        {
            var (status, error) = ErrorMapper.Map(e);
            if (status == StatusCodes.Status500InternalServerError) LogStreamFailed(log, e);
            events.Write(new ErrorResponse(error));
            await response.BodyWriter.FlushAsync(cancellation);
        }
    }

    [LoggerMessage(LogLevel.Information, "Completed {RequestId} on {Adapter}: {PromptTokens} tokens read, {CompletionTokens} written")]
    private static partial void LogCompleted(ILogger log, string requestId, string adapter, int promptTokens, int completionTokens);

    [LoggerMessage(LogLevel.Error, "A stream failed")]
    private static partial void LogStreamFailed(ILogger log, Exception exception);

    [LoggerMessage(LogLevel.Debug, "Unknown fields of a request were passed over: {Names}")]
    private static partial void LogUnknownFields(ILogger log, List<string> names);
}
