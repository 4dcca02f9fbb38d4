using System.Text.Json.Nodes;
using LoraServe.Api.Chat;
using LoraServe.Api.Chat.Tools;
using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
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
        EngineService service,
        LoraServeOptions options,
        PromptEncoder encoder,
        ChatPrompts prompts,
        Generator generator,
        ILogger<CompareChoices> log)
    {
        var engine = service.Engine;
        RequestSize.Limit(context, options.MaxRequestSize);
        if (context.Request.Query["adapter"].Any(name => !string.IsNullOrEmpty(name)))
            throw new InvalidRequestException("adapter", "is not for comparisons, whose adapters are listed in adapters");
        var request = await GenerationParametersReader.ReadAsync(
            context, json => CompareRequestReader.Read(json, engine.Model));
        var references = request.Adapters!.Items.Select(reference => reference.ToString() == service.BaseModel ? null : reference).ToList();
        UnknownAdaptersException.Check(references.OfType<AdapterReference>(), AdapterAccess.Of(context.User), engine.Adapters);
        if (request.IncludeBase) references.Insert(0, null);
        var conversation = prompts.Of(request, context.User.Caller().Owner);
        IReadOnlyList<GenerationPrompt>? continued = null;
        var toolCalls = new ToolCallFormat?[references.Count];
        using var run = await generator.StartAsync(
            context,
            request.Prompt is null ? "chat" : "text_completion",
            request,
            [.. references.Select((reference, column) => new Generator.Column(reference, 1, lease => EncodeAsync(column, lease)))]);
        var choices = new CompareChoices(request, engine.Tokenizer, run.Columns, toolCalls);
        var answer = new CompareResponse
        {
            Id = $"cmpr-{Guid.NewGuid():N}",
            Object = request.Stream ? "comparison.chunk" : "comparison",
            Created = run.Created.ToUnixTimeSeconds(),
            Model = service.BaseModel,
            Choices = [],
        };
        if (request.Stream)
        {
            await EventStream.WriteAsync(
                context,
                run,
                part => choices.Chunks(part).Select(choice => answer with { Choices = [choice] }),
                usage => request.StreamOptions?.IncludeUsage == true ? answer with { Columns = Columns(run), Usage = usage } : null,
                log);
        }
        else
        {
            var parts = await run.CollectAsync(context.RequestAborted);
            answer = answer with { Choices = [.. parts.Select(choices.Of)], Columns = Columns(run), Usage = run.Usage };
            await context.Response.WriteAsJsonAsync(answer, context.RequestAborted);
        }

        async Task<IReadOnlyList<GenerationPrompt>> EncodeAsync(int column, Task<AdapterLease> lease)
        {
            if (request.Prompt is { } prompt)
                return continued ??= encoder.Encode(prompt.Items, request, request.AddsSpecialTokens, "prompt", context.RequestAborted);
            var rendered = await conversation.RenderAsync(await lease, context.RequestAborted);
            toolCalls[column] = rendered.ToolCalls;
            return conversation.Encode(rendered, context.RequestAborted);
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
