using System.Text.Json.Nodes;
using LoraServe.Api.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Generation;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LoraServe.Api;

/// <summary>Schemas of types whose JSON is one of several kinds, which their converters hide from the generator.</summary>
internal static class UnionSchemas
{
    private static OpenApiSchema Text => new() { Type = JsonSchemaType.String };

    private static OpenApiSchema TokenId => new() { Type = JsonSchemaType.Integer, Minimum = "0" };

    public static Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo.Type;
        if (type == typeof(Prompts))
        {
            schema.OneOf = [Text, List(Text), List(TokenId), List(List(TokenId))];
            schema.Examples = ["Which products cost less than 59 euros?"];
        }
        else if (type == typeof(StopSequences))
        {
            schema.OneOf = [Text, List(Text, StopSequences.MaxCount)];
            schema.Examples = [new JsonArray("\n\n", "Order:")];
        }
        else if (type == typeof(LogitBias))
        {
            schema.Type = JsonSchemaType.Object;
            schema.Properties = null;
            schema.AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Number, Minimum = "-100", Maximum = "100" };
            schema.Examples = [new JsonObject { ["50"] = -100 }];
        }
        else if (type == typeof(AdapterParts))
        {
            schema.Type = JsonSchemaType.Array;
            schema.MinItems = 1;
            schema.MaxItems = AdapterReference.MaxParts;
            schema.Items = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Required = new HashSet<string> { "name" },
                Properties = new Dictionary<string, IOpenApiSchema>
                {
                    ["name"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "An adapter, or name@version." },
                    ["weight"] = new OpenApiSchema { Type = JsonSchemaType.Number, Description = "1 if absent; may be negative." },
                },
            };
            schema.Examples = [new JsonArray(new JsonObject { ["name"] = "summarize", ["weight"] = 0.7 })];
        }
        else if (type == typeof(VersionShares))
        {
            schema.Type = JsonSchemaType.Object;
            schema.Properties = null;
            schema.AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Number, Minimum = "0", Maximum = "1" };
            schema.Examples = [new JsonObject { ["9f86d081"] = 0.05 }];
        }
        else if (type == typeof(MergeMode?))
        {
            // The generator passes over the comments of enumerations that may be null.
            schema.Description = "Whether to run on weights with the adapter merged into them; absent: as it is set.";
            schema.Examples = ["auto"];
        }
        else if (context.JsonPropertyInfo?.PropertyType == typeof(object))
        {
            schema.Type = JsonSchemaType.String | JsonSchemaType.Integer | JsonSchemaType.Null;
        }

        return Task.CompletedTask;
    }

    private static OpenApiSchema List(OpenApiSchema items, int? most = null) =>
        new() { Type = JsonSchemaType.Array, Items = items, MinItems = most is null ? 1 : null, MaxItems = most };
}
