using System.Text.Json.Nodes;
using LoraServe.Adapters;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Tokenization;

/// <summary>Text to tokens and back, as vLLM has it.</summary>
internal static class TokenizationApi
{
    private static JsonObject TokenizeExample => new() { ["prompt"] = "Which products cost less than 59 euros?", ["return_token_strs"] = true };

    private static JsonObject DetokenizeExample => new() { ["tokens"] = new JsonArray(72, 101, 108) };

    public static IEndpointRouteBuilder MapTokenization(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Tokenization").RequireScope(KeyScope.Infer);
        group.MapPost("/tokenize", TokenizeAsync).WithJsonBody<TokenizeRequest>(TokenizeExample).ProducesRefusals();
        group.MapPost("/detokenize", DetokenizeAsync).WithJsonBody<DetokenizeRequest>(DetokenizeExample).ProducesRefusals();
        return routes;
    }

    /// <summary>The tokens of a text.</summary>
    /// <remarks>These are the tokens that a completion request with the same prompt has.</remarks>
    /// <response code="200">The tokens.</response>
    /// <response code="400">A field is wrong.</response>
    /// <response code="404">No adapter or model has this name.</response>
    /// <response code="413">The body is too large.</response>
    internal static async Task<Ok<TokenizeResponse>> TokenizeAsync(HttpContext context, EngineService service, LoraServeOptions options)
    {
        var engine = service.Engine;
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new TokenizeRequest(), isRequired: true, context.RequestAborted);
        CheckModel(context, service, request.Model);
        var text = request.Prompt ?? throw new InvalidRequestException("prompt", "is required");
        var tokens = engine.Tokenizer.Encode(text, request.AddSpecialTokens);
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
    internal static async Task<Ok<DetokenizeResponse>> DetokenizeAsync(HttpContext context, EngineService service, LoraServeOptions options)
    {
        var engine = service.Engine;
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new DetokenizeRequest(), isRequired: true, context.RequestAborted);
        CheckModel(context, service, request.Model);
        var ids = request.Tokens ?? throw new InvalidRequestException("tokens", "is required");
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)engine.Model.VocabularySize)
                throw new InvalidRequestException("tokens", $"expected token ids from 0 to {engine.Model.VocabularySize - 1}, found {id}");
        }

        return TypedResults.Ok(new DetokenizeResponse { Prompt = engine.Tokenizer.Decode([.. ids]) });
    }

    // All adapters use the base's tokens, but an answer for a model that does not exist would hide a mistake.
    private static void CheckModel(HttpContext context, EngineService service, string? model)
    {
        if (AdapterSelector.Select([], [], null, model, service.BaseModel) is not { } reference) return;
        AdapterAccess.Of(context.User).Check(reference);
        service.Engine.Adapters.VersionOf(reference);
    }

    private static RouteHandlerBuilder ProducesRefusals(this RouteHandlerBuilder route) => route
        .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
        .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
        .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge)
        .Produces<ErrorResponse>(StatusCodes.Status503ServiceUnavailable);
}
