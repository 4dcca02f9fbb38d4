using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Engine.Generation;
using LoraServe.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;

namespace LoraServe.Api.Completions;

/// <summary>POST /v1/completions.</summary>
internal static class CompletionsApi
{
    // Matches the example of the query parameter.
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
            .RequireScope(KeyScope.Infer)
            .RequireEngine()
            .WithJsonBody<CompletionRequest>(Example)
            .Produces<CompletionResponse>(StatusCodes.Status200OK, "application/json", "text/event-stream")
            .ProducesGenerationErrors();
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
        LlmEngine engine,
        LoraServeOptions options,
        PromptEncoder encoder,
        RequestPreparation preparation,
        GenerationStart generation,
        ILogger<CompletionChoices> log,
        string? adapter)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await GenerationParametersReader.ReadAsync(
            context, json => CompletionRequestReader.Read(json, engine.Model.DefaultSampling));
        var reference = request.SelectAdapter(context, engine.Model.Name);
        var prompts = new TextPrompts(encoder, request.Prompt!.Items, request, request.AddSpecialTokens);
        using var prepared = await preparation.PrepareAsync(context, "text_completion", request, [new(reference, prompts)]);
        using var run = generation.Start(context.Response, prepared);
        var choices = new CompletionChoices(request, engine.Tokenizer);
        var answer = new CompletionResponse
        {
            Id = $"cmpl-{Guid.NewGuid():N}",
            Created = run.Created.ToUnixTimeSeconds(),
            Model = request.AnsweringModel(reference, engine.Model.Name),
            SystemFingerprint = run.Columns[0].Fingerprint,
            Choices = [],
        };
        if (request.Stream)
        {
            await EventStream.WriteAsync<CompletionResponse, CompletionChoice>(
                context,
                run,
                _ => answer,
                part => [choices.Of(part)],
                usage => request.StreamOptions?.IncludeUsage == true ? answer with { Usage = usage } : null,
                log);
        }
        else
        {
            var parts = await run.CollectAsync(context.RequestAborted);
            answer = answer with { Choices = [.. parts.Select(choices.Of)], Usage = run.Usage };
            await context.Response.WriteAsJsonAsync(answer, context.RequestAborted);
        }
    }
}
