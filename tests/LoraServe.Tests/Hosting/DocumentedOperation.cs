using System.Text.Json;

namespace LoraServe.Tests.Hosting;

/// <summary>An operation of the API description.</summary>
/// <param name="Method">In capitals.</param>
/// <param name="Path">With its parameters in braces.</param>
/// <param name="Query">Names of query parameters.</param>
/// <param name="ContentType">Of the body; null if there is none.</param>
/// <param name="Example">Fields of a valid body, with their JSON.</param>
/// <param name="Fields">All fields of the body, with example JSON.</param>
internal sealed record DocumentedOperation(
    string Method,
    string Path,
    IReadOnlyList<string> Query,
    string? ContentType,
    IReadOnlyList<(string Name, string Json)> Example,
    IReadOnlyList<(string Name, string Json)> Fields)
{
    /// <summary>Every operation of docs/openapi.json.</summary>
    public static IReadOnlyList<DocumentedOperation> Read()
    {
        var document = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Repository.File("docs", "openapi.json")));
        return
        [
            .. from path in document.GetProperty("paths").EnumerateObject()
               from operation in path.Value.EnumerateObject()
               select Read(document, path.Name, operation),
        ];
    }

    private static DocumentedOperation Read(JsonElement document, string path, JsonProperty operation)
    {
        var parameters = operation.Value.TryGetProperty("parameters", out var list) ? list.EnumerateArray().ToList() : [];
        var query = parameters.Where(parameter => parameter.GetProperty("in").GetString() == "query")
            .Select(parameter => parameter.GetProperty("name").GetString()!);
        var content = operation.Value.TryGetProperty("requestBody", out var body)
            ? body.GetProperty("content").EnumerateObject().First()
            : default(JsonProperty?);
        return new DocumentedOperation(
            operation.Name.ToUpperInvariant(),
            path,
            [.. query],
            content?.Name,
            content?.Value.TryGetProperty("example", out var example) == true ? FieldsOf(example) : [],
            content is null ? [] : FieldsOf(document, content.Value.Value.GetProperty("schema")));
    }

    private static List<(string Name, string Json)> FieldsOf(JsonElement value) =>
        [.. value.EnumerateObject().Select(field => (field.Name, field.Value.GetRawText()))];

    private static List<(string Name, string Json)> FieldsOf(JsonElement document, JsonElement schema)
    {
        if (schema.TryGetProperty("$ref", out var reference))
            schema = document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]);
        return schema.TryGetProperty("properties", out var properties)
            ? [.. properties.EnumerateObject().Select(field => (field.Name, ExampleOf(document, field.Value)))]
            : [];
    }

    // A field without an example is an object: its JSON is built from the fields of its schema.
    private static string ExampleOf(JsonElement document, JsonElement schema) =>
        schema.TryGetProperty("examples", out var examples)
            ? examples[0].GetRawText()
            : $"{{{string.Join(',', FieldsOf(document, schema).Select(field => $"\"{field.Name}\":{field.Json}"))}}}";
}
