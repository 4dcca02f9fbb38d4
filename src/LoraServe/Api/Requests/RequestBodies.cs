using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LoraServe.Api.Requests;

/// <summary>Documents bodies that endpoints read and write themselves: as JSON of any Content-Type, or as a stream.</summary>
internal static class RequestBodies
{
    private const string ArchiveDescription =
        "A zip, tar or tar.gz with adapter_config.json and adapter_model.safetensors at the top or in one folder.";

    private static OpenApiSchema Archive => new()
    {
        Type = JsonSchemaType.String,
        Format = "binary",
        Description = ArchiveDescription,
        Examples = ["adapter.tar.gz"],
    };

    private static OpenApiSchema UploadForm => new()
    {
        Type = JsonSchemaType.Object,
        Required = new HashSet<string> { "name" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["name"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Description = "A letter or digit, then letters, digits, dots, underscores and dashes; at most 128 characters.",
                Examples = ["support-replies"],
            },
            ["file"] = Archive,
            ["files"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Array,
                Items = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
                Description = "Instead of file: adapter_config.json and adapter_model.safetensors.",
                Examples = [new JsonArray("adapter_config.json", "adapter_model.safetensors")],
            },
        },
    };

    private static OpenApiSchema FileForm => new()
    {
        Type = JsonSchemaType.Object,
        Required = new HashSet<string> { "purpose", "file" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["purpose"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Description = "fine-tune, or evals for files that are only compared on.",
                Enum = ["fine-tune", "evals"],
                Examples = ["fine-tune"],
            },
            ["file"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Format = "binary",
                Description = "JSONL: {\"prompt\", \"completion\"} or {\"messages\": [...]} on each line.",
                Examples = ["sql.train.jsonl"],
            },
            ["expires_after[anchor]"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Description = "Always created_at.",
                Examples = ["created_at"],
            },
            ["expires_after[seconds]"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Integer,
                Minimum = "3600",
                Maximum = "2592000",
                Description = "Seconds after which the file goes by itself.",
                Examples = [2_592_000],
            },
        },
    };

    /// <param name="route">An endpoint that reads JSON itself.</param>
    /// <param name="example">Swagger's initial body: the examples of all fields together would contradict each other.</param>
    /// <param name="isRequired">Whether the endpoint needs a body.</param>
    public static RouteHandlerBuilder WithJsonBody<T>(this RouteHandlerBuilder route, JsonObject example, bool isRequired = true) =>
        route.WithMetadata(new JsonBody(typeof(T), example, isRequired));

    public static RouteHandlerBuilder WithArchiveBody(this RouteHandlerBuilder route) =>
        route.WithMetadata(new StreamBody("application/octet-stream", Archive));

    public static RouteHandlerBuilder WithUploadForm(this RouteHandlerBuilder route) =>
        route.WithMetadata(new StreamBody("multipart/form-data", UploadForm));

    public static RouteHandlerBuilder WithFileForm(this RouteHandlerBuilder route) =>
        route.WithMetadata(new StreamBody("multipart/form-data", FileForm));

    /// <summary>Documents that the endpoint can also answer with events of another shape than its whole answer.</summary>
    public static RouteHandlerBuilder WithEvents<T>(this RouteHandlerBuilder route) => route.WithMetadata(new Events(typeof(T)));

    /// <summary>Adds the body to an operation whose endpoint has one of the metadata above.</summary>
    public static async Task TransformAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        foreach (var metadata in context.Description.ActionDescriptor.EndpointMetadata)
        {
            switch (metadata)
            {
                case JsonBody body:
                    var schema = await context.GetOrCreateSchemaAsync(body.Type, null, cancellationToken);
                    context.Document!.AddComponent(body.Type.Name, schema);
                    operation.RequestBody = Body(
                        "application/json", new OpenApiSchemaReference(body.Type.Name, context.Document), body.Example.DeepClone(), body.IsRequired);
                    break;
                case Events events:
                    var item = await context.GetOrCreateSchemaAsync(events.Type, null, cancellationToken);
                    context.Document!.AddComponent(events.Type.Name, item);
                    operation.Responses!["200"].Content!["text/event-stream"] =
                        new() { Schema = new OpenApiSchemaReference(events.Type.Name, context.Document) };
                    break;
                case StreamBody body:
                    operation.RequestBody = Body(body.ContentType, body.Schema);
                    break;
            }
        }
    }

    private static OpenApiRequestBody Body(string contentType, IOpenApiSchema schema, JsonNode? example = null, bool isRequired = true) => new()
    {
        Required = isRequired,
        Content = new Dictionary<string, OpenApiMediaType> { [contentType] = new() { Schema = schema, Example = example } },
    };

    private sealed record JsonBody(Type Type, JsonObject Example, bool IsRequired);

    private sealed record Events(Type Type);

    private sealed record StreamBody(string ContentType, OpenApiSchema Schema);
}
