using System.Text.Json.Nodes;
using LoraServe.Api.Chat;
using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Generation;
using LoraServe.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;

namespace LoraServe.Api.Compare;

/// <summary>POST /v1/compare.</summary>
internal static class CompareApi
{
    private static JsonObject Example => new()
    {
        ["prompt"] = "Which products cost less than 59 euros?",
        ["adapters"] = new JsonArray("summarize", "sql"),
        ["max_tokens"] = 32,
        ["temperature"] = 0,
    };

    public static IEndpointRouteBuilder MapCompare(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/compare", CompareAsync)
            .WithTags("Compare")
            .RequireScope(KeyScope.Infer)
            .RequireEngine()
            .WithJsonBody<CompareRequest>(Example)
            .Produces<CompareResponse>(StatusCodes.Status200OK, "application/json", "text/event-stream")
            .ProducesGenerationErrors();
        return routes;
    }

    /// <summary>Put one prompt or conversation to the base model and to several adapters, in the same batches.</summary>
    /// <remarks>
    /// Each column gets what it would get alone. All columns start when the last of their adapters is in memory, which must have room for all
    /// of them at once. With stream, events of the columns come as they are generated, each with its adapter's name.
    /// </remarks>
    /// <response code="200">The choices of all columns; with stream, events of this shape.</response>
    /// <response code="400">A field is wrong or not supported, or the prompt is longer than the context.</response>
    /// <response code="404">One of the adapters does not exist.</response>
    /// <response code="413">The body is too large.</response>
    /// <response code="429">Too many requests wait; try again after the time in Retry-After.</response>
    /// <response code="503">The model is loading or the server is stopping.</response>
    internal static async Task CompareAsync(
        HttpContext context,
        LlmEngine engine,
        LoraServeOptions options,
        PromptEncoder encoder,
        ChatPrompts prompts,
        RequestPreparation preparation,
        GenerationStart generation,
        ILogger<CompareChoices> log)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        if (context.Request.Query["adapter"].Any(name => !string.IsNullOrEmpty(name)))
            throw new InvalidRequestException("adapter", "is not for comparisons, whose adapters are listed in adapters");
        var request = await GenerationParametersReader.ReadAsync(
            context, json => CompareRequestReader.Read(json, engine.Model));
        var references = request.Adapters!.Items.Select(reference => reference.ToString() == engine.Model.Name ? null : reference).ToList();
        UnknownAdaptersException.Check(references.OfType<AdapterReference>(), AdapterAccess.Of(context.User), engine.Adapters);
        if (request.IncludeBase) references.Insert(0, null);
        var conversation = prompts.Of(request, context.User.Caller().Owner);
        var shared = request.Prompt is { } text ? new TextPrompts(encoder, text.Items, request, request.AddsSpecialTokens) : null;
        var columns = references.ConvertAll(reference => new RequestColumn(reference, shared ?? (IPromptSource)new ConversationPrompt(conversation)));
        using var prepared = await preparation.PrepareAsync(context, shared is null ? "chat" : "text_completion", request, columns);
        using var run = generation.Start(context.Response, prepared);
        var toolCalls = columns.ConvertAll(column => (column.Prompts as ConversationPrompt)?.ToolCalls);
        var choices = new CompareChoices(request, engine.Tokenizer, run.Columns, toolCalls);
        var answer = new CompareResponse
        {
            Id = $"cmpr-{Guid.NewGuid():N}",
            Object = request.Stream ? "comparison.chunk" : "comparison",
            Created = run.Created.ToUnixTimeSeconds(),
            Model = engine.Model.Name,
            Choices = [],
        };
        if (request.Stream)
        {
            await EventStream.WriteAsync(
                context,
                run,
                _ => answer,
                choices.Chunks,
                usage => request.StreamOptions?.IncludeUsage == true ? answer with { Columns = Columns(run), Usage = usage } : null,
                log);
        }
        else
        {
            var parts = await run.CollectAsync(context.RequestAborted);
            answer = answer with { Choices = [.. parts.Select(choices.Of)], Columns = Columns(run), Usage = run.Usage };
            await context.Response.WriteAsJsonAsync(answer, context.RequestAborted);
        }
    }

    private static IReadOnlyList<CompareColumn> Columns(GenerationRun run) =>
    [
        .. run.Columns.Select(column => new CompareColumn
        {
            Adapter = column.Adapter,
            SystemFingerprint = column.Fingerprint,
            Usage = column.Usage,
        }),
    ];
}
