using LoraServe.Api;

namespace LoraServe.Generation;

/// <summary>Documents the errors of text requests.</summary>
internal static class GenerationErrors
{
    public static RouteHandlerBuilder ProducesGenerationErrors(this RouteHandlerBuilder route) => route
        .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
        .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
        .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge)
        .Produces<ErrorResponse>(StatusCodes.Status429TooManyRequests)
        .Produces<ErrorResponse>(StatusCodes.Status503ServiceUnavailable);
}
