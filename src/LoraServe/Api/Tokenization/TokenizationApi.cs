using System.Text.Json.Nodes;
using LoraServe.Api.Adapters;
using LoraServe.Api.Chat;
using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Tokenization;

/// <summary>Text to tokens and back, as vLLM has it.</summary>
internal static class TokenizationApi
{
    private static JsonObject TokenizeExample => new()
    {
        ["prompt"] = "Which products cost less than 59 euros?",
        ["return_token_strs"] = true,
    };

    private static JsonObject DetokenizeExample => new() { ["tokens"] = new JsonArray(72, 101, 108) };

    public static IEndpointRouteBuilder MapTokenization(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Tokenization").RequireScope(KeyScope.Infer).RequireEngine();
        group.MapPost("/tokenize", TokenizeAsync).WithJsonBody<TokenizeRequest>(TokenizeExample).ProducesRefusals();
        group.MapPost("/detokenize", DetokenizeAsync).WithJsonBody<DetokenizeRequest>(DetokenizeExample).ProducesRefusals();
        return routes;
    }

    /// <summary>The tokens of a text or of a conversation.</summary>
    /// <remarks>
    /// These are the tokens that a request for a completion with the same prompt has, or one for a chat completion with the same messages,
    /// model and template.
    /// </remarks>
    /// <response code="200">The tokens.</response>
    /// <response code="400">A field is wrong.</response>
    /// <response code="404">No adapter or model has this name.</response>
    /// <response code="413">The body is too large.</response>
    internal static async Task<Ok<TokenizeResponse>> TokenizeAsync(
        HttpContext context,
        LlmEngine engine,
        LoraServeOptions options,
        PromptEncoder encoder,
        ChatPrompts prompts)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await GenerationParametersReader.ReadAsync(context, TokenizeRequestReader.Read);
        var reference = Model(context, engine, request.Model);
        var text = request.Prompt ?? await RenderAsync(context, engine, request, reference, prompts);
        var isPrompt = request.Prompt is not null;
        var tokens = encoder.Encode(text, request.AddSpecialTokens ?? isPrompt, isPrompt ? "prompt" : "messages", context.RequestAborted);
        return TypedResults.Ok(new TokenizeResponse
        {
            MaxModelLen = engine.Model.MaxModelLen,
            Tokens = tokens,
            TokenStrs = request.ReturnTokenStrs ? [.. tokens.Select(id => engine.Tokenizer.Token(id)!)] : null,
        });
    }

    /// <summary>The text of tokens.</summary>
    /// <response code="200">The text.</response>
    /// <response code="400">A field is wrong.</response>
    /// <response code="404">No adapter or model has this name.</response>
    /// <response code="413">The body is too large.</response>
    internal static async Task<Ok<DetokenizeResponse>> DetokenizeAsync(
        HttpContext context, LlmEngine engine, LoraServeOptions options, PromptEncoder encoder)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await GenerationParametersReader.ReadAsync(context, TokenizeRequestReader.ReadTokens);
        Model(context, engine, request.Model);
        var ids = request.Tokens ?? throw new InvalidRequestException("tokens", "is required");
        var faults = new RequestFaults();
        encoder.CheckIds(ids, "tokens", faults);
        faults.ThrowIfAny();
        return TypedResults.Ok(new DetokenizeResponse { Prompt = engine.Tokenizer.Decode([.. ids]) });
    }

    // All adapters use the base's tokens, but an answer for an unknown model would hide a mistake.
    private static AdapterReference? Model(HttpContext context, LlmEngine engine, string? model)
    {
        if (AdapterSelector.Select([], [], null, model, engine.Model.Name) is not { } reference) return null;
        AdapterAccess.Of(context.User).Check(reference);
        engine.Adapters.VersionOf(reference);
        return reference;
    }

    private static async Task<string> RenderAsync(
        HttpContext context, LlmEngine engine, TokenizeRequest request, AdapterReference? reference, ChatPrompts prompts)
    {
        var cancellation = context.RequestAborted;
        var conversation = prompts.Of(request.ToChat(engine.Model.DefaultSampling), context.User.Caller().Owner);
        using var lease = reference is null ? AdapterLease.Base() : await engine.Adapters.AcquireAsync(reference, cancellation);
        return (await conversation.RenderAsync(lease, cancellation)).Text;
    }

    private static RouteHandlerBuilder ProducesRefusals(this RouteHandlerBuilder route) => route
        .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
        .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
        .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge)
        .Produces<ErrorResponse>(StatusCodes.Status503ServiceUnavailable);
}
