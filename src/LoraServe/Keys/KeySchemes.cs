using LoraServe.Api;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LoraServe.Keys;

/// <summary>Says in the API description how keys are sent, which scope an operation needs, and how refusals look.</summary>
internal static class KeySchemes
{
    private const string Scheme = "ApiKey";

    private static readonly (int Status, string Description)[] Refusals =
    [
        (StatusCodes.Status401Unauthorized, "The API key is missing, wrong, expired or revoked."),
        (StatusCodes.Status403Forbidden, "The API key does not allow this."),
        (StatusCodes.Status429TooManyRequests, "A limit of the API key, or of the server, is reached; try again after the time in Retry-After."),
    ];

    /// <summary>Adds the scheme to the document.</summary>
    public static void Describe(OpenApiDocument document)
    {
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Scheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "An API key. As long as the server has none, programs on its own machine need none.",
            },
        };
    }

    /// <summary>Adds what holds for an operation that needs a scope.</summary>
    public static async Task TransformAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var policy = context.Description.ActionDescriptor.EndpointMetadata.OfType<IAuthorizeData>().Select(data => data.Policy).FirstOrDefault();
        if (policy is null) return;
        operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, context.Document)] = [policy] }];
        var schema = await context.GetOrCreateSchemaAsync(typeof(ErrorResponse), null, cancellationToken);
        context.Document!.AddComponent(nameof(ErrorResponse), schema);
        operation.Responses ??= [];
        foreach (var (status, description) in Refusals)
        {
            operation.Responses.TryAdd($"{status}", new OpenApiResponse
            {
                Description = description,
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    ["application/json"] = new() { Schema = new OpenApiSchemaReference(nameof(ErrorResponse), context.Document) },
                },
            });
        }
    }
}
