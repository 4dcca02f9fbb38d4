using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoraServe.Tests.Clients;
using Microsoft.OpenApi;

namespace LoraServe.Tests.Api;

[Collection(nameof(DemoServer))]
public class ApiDescriptionTests(DemoServer server)
{
    [Fact]
    public async Task Get_Document_IsTheOneCheckedIn()
    {
        var served = await server.Client.GetFromJsonAsync<JsonNode>("/openapi/v1.json");

        var checkedIn = JsonNode.Parse(await File.ReadAllTextAsync(Repository.File("docs", "openapi.json")));

        JsonNode.DeepEquals(served, checkedIn).ShouldBeTrue("docs/openapi.json is not what the server says: build src/LoraServe, which writes it, and check it in.");
    }

    [Fact]
    public async Task Document_ReaderOfTheFramework_FindsNoFault()
    {
        await using var file = File.OpenRead(Repository.File("docs", "openapi.json"));

        var result = await OpenApiDocument.LoadAsync(file, OpenApiConstants.Json, cancellationToken: TestContext.Current.CancellationToken);

        result.Diagnostic!.SpecificationVersion.ShouldBe(OpenApiSpecVersion.OpenApi3_1);
        result.Diagnostic.Errors.Select(error => error.ToString()).ShouldBeEmpty();
        result.Diagnostic.Warnings.Select(warning => warning.ToString()).ShouldBeEmpty();
        result.Document!.Paths.Count.ShouldBeGreaterThan(20);
    }

    [Fact]
    public async Task Document_SchemaOfTheSpecification_FindsNoFault()
    {
        NodePackages.SkipWithoutNode();

        var verdict = JsonSerializer.Deserialize<JsonElement>(await NodePackages.RunAsync("openapi-document.mjs", Repository.File("docs", "openapi.json")));

        verdict.GetProperty("version").GetString().ShouldBe("3.1");
        verdict.GetProperty("valid").GetBoolean().ShouldBeTrue(verdict.ToString());
    }

    [Fact]
    public async Task Get_Document_DescribesEveryFieldWithAnExample()
    {
        var document = await server.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        var fields = from schema in document.GetProperty("components").GetProperty("schemas").EnumerateObject()
                     where schema.Value.TryGetProperty("properties", out _)
                     from field in schema.Value.GetProperty("properties").EnumerateObject()
                     select (Name: $"{schema.Name}.{field.Name}", Text: field.Value.ToString());

        fields.Where(field => !field.Text.Contains("\"description\"")).ShouldBeEmpty();
        // A field that refers to another type has that type's examples.
        fields.Where(field => !field.Text.Contains("\"examples\"") && !field.Text.Contains("\"$ref\"")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Get_Document_DescribesEveryOperationParameterAndAnswer()
    {
        var document = await server.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        document.GetProperty("openapi").GetString().ShouldStartWith("3.1");
        var operations = document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()).ToList();

        operations.Count.ShouldBeGreaterThanOrEqualTo(11);
        operations.ShouldAllBe(operation => operation.Value.ToString().Contains("\"summary\""));
        operations.SelectMany(operation => operation.Value.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : [])
            .ShouldAllBe(parameter => parameter.ToString().Contains("\"description\""));
    }

    [Fact]
    public async Task Post_ExampleOfTheDocument_IsAnswered()
    {
        var document = await server.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        var completion = document.GetProperty("paths").GetProperty("/v1/completions").GetProperty("post");
        var parameter = completion.GetProperty("parameters").EnumerateArray().ShouldHaveSingleItem();
        var body = completion.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example");

        var response = await server.CompleteAsync(body, $"?{parameter.GetProperty("name")}={parameter.GetProperty("example")}");

        response.GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("stop");
    }

    [Fact]
    public async Task Get_Swagger_ShowsTheDocument()
    {
        var page = await server.Client.GetStringAsync("/swagger/index.html");
        var script = await server.Client.GetStringAsync("/swagger/index.js");

        page.ShouldContain("<title>LoraServe</title>");
        script.ShouldContain("/openapi/v1.json");
    }
}
