using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LoraServe.Api.FineTuning;

/// <summary>The schemas of hyperparameters, which may be auto, and of names of modules.</summary>
internal static class FineTuningSchemas
{
    public static Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Type == typeof(TargetModuleNames))
        {
            schema.Type = null;
            schema.Properties = null;
            schema.OneOf =
            [
                new OpenApiSchema { Type = JsonSchemaType.String },
                new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { Type = JsonSchemaType.String }, MinItems = 1 },
            ];
            schema.Examples = [new JsonArray("q_proj", "v_proj")];
        }
        else if (context.JsonTypeInfo.Type == typeof(JsonArray) && context.JsonPropertyInfo is { Name: "integrations" })
        {
            // The generator passes over the comments of lists of anything.
            schema.Description = "Services to report to; there are none.";
            schema.Examples = [new JsonArray()];
        }
        else if (context.JsonPropertyInfo is { AttributeProvider: { } property } info
            && property.IsDefined(typeof(AutoAttribute), inherit: true) && schema.Type is { } type)
        {
            schema.Type = JsonSchemaType.String | (info.PropertyType == typeof(object) ? JsonSchemaType.Number : type);
        }

        return Task.CompletedTask;
    }
}
