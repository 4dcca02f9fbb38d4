using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LoraServe.Api.Compare;

/// <summary>The schema of the adapters of a comparison, which are read by a converter.</summary>
internal static class CompareSchemas
{
    private static OpenApiSchema Text => new() { Type = JsonSchemaType.String };

    public static Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Type != typeof(CompareAdapters)) return Task.CompletedTask;
        schema.Type = JsonSchemaType.Array;
        schema.MinItems = 1;
        schema.MaxItems = CompareAdapters.MaxCount;
        schema.Items = new OpenApiSchema { OneOf = [Text, Part()] };
        schema.Examples = [new JsonArray("summarize", "sql")];
        return Task.CompletedTask;
    }

    private static OpenApiSchema Part() => new()
    {
        Type = JsonSchemaType.Object,
        Required = new HashSet<string> { "name" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["name"] = Text,
            ["weight"] = new OpenApiSchema { Type = JsonSchemaType.Number },
        },
    };
}
