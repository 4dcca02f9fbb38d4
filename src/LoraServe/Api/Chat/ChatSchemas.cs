using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LoraServe.Api.Chat;

/// <summary>Schemas of the fields of a chat request that are checked as raw JSON.</summary>
internal static class ChatSchemas
{
    private const string Name = "get_weather";

    private static OpenApiSchema Text => new() { Type = JsonSchemaType.String };

    public static Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo.Type;
        if (type == typeof(ChatMessages))
        {
            schema.Type = JsonSchemaType.Array;
            schema.MinItems = 1;
            schema.Items = Message();
            schema.Examples = [new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Which products cost less than 59 euros?" })];
        }
        else if (type == typeof(ChatTools))
        {
            schema.Type = JsonSchemaType.Array;
            schema.Items = Tool();
            schema.Examples = [new JsonArray(ToolExample())];
        }
        else if (type == typeof(JsonObject) || type == typeof(JsonArray))
        {
            DescribeJson(schema, isList: type == typeof(JsonArray), context.JsonPropertyInfo?.Name);
        }

        return Task.CompletedTask;
    }

    // The schema generator ignores comments of fields of arbitrary JSON.
    private static void DescribeJson(OpenApiSchema schema, bool isList, string? field)
    {
        schema.Type = isList ? JsonSchemaType.Array : JsonSchemaType.Object;
        if (isList) schema.Items = new OpenApiSchema { Type = JsonSchemaType.Object };
        (schema.Description, JsonNode? example) = field switch
        {
            "chat_template_kwargs" => ("More variables for the template.", new JsonObject { ["enable_thinking"] = false }),
            "documents" => (
                "Documents for templates that show some to the model.",
                new JsonArray(new JsonObject { ["title"] = "Terms", ["text"] = "Goods can be returned within 14 days." })),
            "metadata" => (
                "Notes of the client about the request; the server does nothing with them.", new JsonObject { ["purpose"] = "test" }),
            _ => ((string?)null, (JsonNode?)null),
        };
        if (example is not null) schema.Examples = [example];
    }

    private static OpenApiSchema Message() => Object(
        ["role"],
        ("role", new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["developer", "system", "user", "assistant", "tool"] }),
        ("content", new OpenApiSchema
        {
            Description = "A text, or a list of text parts; only an assistant's message can be without.",
            OneOf =
            [
                Text,
                new OpenApiSchema { Type = JsonSchemaType.Array, Items = Part() },
                new OpenApiSchema { Type = JsonSchemaType.Null },
            ],
        }),
        ("name", new OpenApiSchema { Type = JsonSchemaType.String, Description = "Who says it, for templates that show that." }),
        ("tool_calls", new OpenApiSchema
        {
            Type = JsonSchemaType.Array,
            Description = "Calls that an assistant's message made.",
            Items = Object(
                ["function"],
                ("id", Text),
                ("type", new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["function"] }),
                ("function", Object(["name"], ("name", Text), ("arguments", Text)))),
        }),
        ("tool_call_id", new OpenApiSchema { Type = JsonSchemaType.String, Description = "The call whose result a tool's message is." }));

    private static OpenApiSchema Part() => Object(
        ["type", "text"], ("type", new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["text"] }), ("text", Text));

    private static OpenApiSchema Tool() => Object(
        ["function"],
        ("type", new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["function"] }),
        ("function", Object(
            ["name"],
            ("name", Text),
            ("description", Text),
            ("parameters", new OpenApiSchema { Type = JsonSchemaType.Object, Description = "A JSON schema." }))));

    private static JsonObject ToolExample() => new()
    {
        ["type"] = "function",
        ["function"] = new JsonObject
        {
            ["name"] = Name,
            ["parameters"] = new JsonObject
            {
                ["type"] = "object",
                ["properties"] = new JsonObject { ["city"] = new JsonObject { ["type"] = "string" } },
            },
        },
    };

    private static OpenApiSchema Object(string[] required, params (string Name, IOpenApiSchema Schema)[] properties) => new()
    {
        Type = JsonSchemaType.Object,
        Required = required.ToHashSet(StringComparer.Ordinal),
        Properties = properties.ToDictionary(property => property.Name, property => property.Schema, StringComparer.Ordinal),
    };
}
