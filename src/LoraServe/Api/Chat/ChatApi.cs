using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Engine.Generation;
using LoraServe.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;

namespace LoraServe.Api.Chat;

/// <summary>POST /v1/chat/completions.</summary>
internal static class ChatApi
{
    // Matches the example of the query parameter.
    private static JsonObject Example => new()
    {
        ["messages"] = new JsonArray(new JsonObject
        {
            ["role"] = "user",
            ["content"] = "Which products cost less than 59 euros?",
        }),
        ["max_completion_tokens"] = 64,
        ["temperature"] = 0,
    };

    public static IEndpointRouteBuilder MapChat(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/chat/completions", CompleteAsync)
            .WithTags("Chat")
            .RequireScope(KeyScope.Infer)
            .RequireEngine()
            .WithJsonBody<ChatRequest>(Example)
            .Produces<ChatResponse>(StatusCodes.Status200OK)
            .WithEvents<ChatChunk>()
            .ProducesGenerationErrors();
        return routes;
    }

    /// <summary>Answer a conversation on the base model or on an adapter.</summary>
    /// <remarks>
    /// The conversation becomes a prompt by the chat template of the request, else of the adapter, else of the base model. The adapter is
    /// named as for completions: by the query parameter, else by the body's adapter, else by its model. Any Content-Type is taken for JSON.
    /// With stream the answer is a stream of server-sent events, the last of them [DONE]. The header x-loraserve-adapter of the answer names
    /// the adapter and the beginning of its version.
    /// </remarks>
    /// <param name="adapter" example="sql">The adapter to use; absent for the base model or the one that the body names.</param>
    /// <response code="200">The choices; with stream, what they grow by.</response>
    /// <response code="400">A field is wrong or not supported, or the conversation is longer than the context.</response>
    /// <response code="404">No adapter or model has this name.</response>
    /// <response code="413">The body is too large.</response>
    /// <response code="429">Too many requests wait; try again after the time in Retry-After.</response>
    /// <response code="503">The model is loading or the server is stopping.</response>
    internal static async Task CompleteAsync(
        HttpContext context,
        LlmEngine engine,
        LoraServeOptions options,
        ChatPrompts prompts,
        RequestPreparation preparation,
        GenerationStart generation,
        ILogger<ChatChoices> log,
        string? adapter)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await GenerationParametersReader.ReadAsync(
            context, json => ChatRequestReader.Read(json, engine.Model.DefaultSampling));
        var reference = request.SelectAdapter(context, engine.Model.Name);
        var prompt = new ConversationPrompt(prompts.Of(request, context.User.Caller().Owner));
        using var prepared = await preparation.PrepareAsync(context, "chat", request, [new(reference, prompt)]);
        using var run = generation.Start(context.Response, prepared);
        var choices = new ChatChoices(request, engine.Tokenizer, prompt.ToolCalls);
        var answer = new ChatChunk
        {
            Id = $"chatcmpl-{Guid.NewGuid():N}",
            Created = run.Created.ToUnixTimeSeconds(),
            Model = request.AnsweringModel(reference, engine.Model.Name),
            SystemFingerprint = run.Columns[0].Fingerprint,
            Choices = [],
        };
        if (request.Stream)
        {
            await EventStream.WriteAsync(
                context,
                run,
                part => choices.PromptTokenIds(part) is { } ids ? answer with { PromptTokenIds = ids } : answer,
                choices.Chunks,
                usage => request.StreamOptions?.IncludeUsage == true ? answer with { Usage = usage } : null,
                log);
        }
        else
        {
            var parts = await run.CollectAsync(context.RequestAborted);
            await context.Response.WriteAsJsonAsync(Whole(answer, choices, parts, run.Usage), context.RequestAborted);
        }
    }

    private static ChatResponse Whole(
        ChatChunk answer, ChatChoices choices, IReadOnlyList<IReadOnlyList<ChoicePart>> parts, Usage usage) => new()
        {
            Id = answer.Id,
            Created = answer.Created,
            Model = answer.Model,
            SystemFingerprint = answer.SystemFingerprint,
            Choices = [.. parts.Select(choices.Of)],
            Usage = usage,
            PromptTokenIds = choices.PromptTokenIds(parts[0][0]),
            PromptLogprobs = choices.PromptLogprobs(parts[0][0]),
        };
}
