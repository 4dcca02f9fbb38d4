using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Tests.Keys;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Tests.Api.Models;

/// <summary>A base and adapters whose names are of the form org/name.</summary>
public sealed class SlashedServer() : LoraServeServer(
    Settings(("Model", Repository.EngineGolden("checkpoints", "llama-gqa")), ("ServedModelName", "acme/demo")));

public sealed class SlashedNamesTests(SlashedServer server) : IClassFixture<SlashedServer>, IAsyncLifetime
{
    private readonly HttpClient _client = server.Client;

    public async ValueTask InitializeAsync() => await KeyedServer.PutAsync(_client, "acme%2Fsql");

    public async ValueTask DisposeAsync()
    {
        foreach (var name in new[] { "acme/sql", "acme/small", "acme/blend" }) await _client.DeleteAsync($"/v1/adapters/{name}?force=true");
    }

    [Theory]
    [InlineData("/v1/models/acme/demo", "acme/demo")]
    [InlineData("/v1/models/acme%2Fdemo", "acme/demo")]
    [InlineData("/v1/models/acme%2fdemo", "acme/demo")]
    [InlineData("/v1/models/acme/sql", "acme/sql")]
    [InlineData("/v1/models/acme%2Fsql", "acme/sql")]
    [InlineData("/v1/adapters/acme/sql", "acme/sql")]
    [InlineData("/v1/adapters/acme%2Fsql", "acme/sql")]
    public async Task Get_ModelOrAdapter_IsFoundByItsName(string path, string id) =>
        (await _client.GetFromJsonAsync<JsonElement>(path)).GetProperty("id").GetString().ShouldBe(id);

    [Theory]
    [InlineData("/v1/adapters/acme/sql/")]
    [InlineData("/v1/adapters/acme%2Fsql/")]
    [InlineData("/v1/adapters/acme/sql/versions/")]
    [InlineData("/v1/adapters/acme%2Fsql/versions/")]
    [InlineData("/v1/adapters/plain/")]
    [InlineData("/v1/adapters/plain/versions/")]
    [InlineData("/v1/adapters/plain/effect/")]
    public async Task Get_PathThatEndsWithASlash_IsFound(string path)
    {
        await KeyedServer.PutAsync(_client, "plain");

        using var response = await _client.GetAsync(path);

        await _client.DeleteAsync("/v1/adapters/plain");
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("/v1/models/acme/demo/verify")]
    [InlineData("/v1/models/acme%2Fdemo/verify")]
    public async Task Post_Verify_FindsTheBase(string path) =>
        (await server.PostJsonAsync(path, new { })).GetProperty("is_unchanged").GetBoolean().ShouldBeTrue();

    [Theory]
    [InlineData("acme/sql")]
    [InlineData("acme%2Fsql")]
    public async Task EveryRouteOfAnAdapter_TakesTheName(string name)
    {
        var version = (await _client.GetFromJsonAsync<JsonElement>($"/v1/adapters/{name}")).GetProperty("version").GetString()!;

        foreach (var path in new[] { "versions", "effect", "archive", $"archive?version={version[..8]}" })
            (await _client.GetAsync($"/v1/adapters/{name}/{path}")).StatusCode.ShouldBe(HttpStatusCode.OK, path);
        foreach (var action in new[] { "merge", "unmerge" }) await server.PostJsonAsync($"/v1/adapters/{name}/{action}", new { });
        await server.PostJsonAsync($"/v1/adapters/{name}/truncate", new { rank = 2, @as = "acme/small" });
        (await _client.PatchAsJsonAsync($"/v1/adapters/{name}", new { weight = 2 })).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _client.PutAsJsonAsync("/v1/adapters/acme/blend/mix", new { adapters = new[] { new { name = "acme/sql", weight = 0.5 } } }))
            .StatusCode.ShouldBe(HttpStatusCode.OK);
        using var uploaded = await _client.PutAsync("/v1/adapters/acme/other", KeyedServer.Archive("rank-32"));
        uploaded.Headers.Location!.ToString().ShouldBe("/v1/adapters/acme%2Fother");
        (await _client.GetAsync(uploaded.Headers.Location)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _client.DeleteAsync("/v1/adapters/acme/other")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _client.GetFromJsonAsync<JsonElement>("/v1/adapters")).GetProperty("data").EnumerateArray()
            .Select(adapter => adapter.GetProperty("id").GetString()).ShouldBe(["acme/blend", "acme/small", "acme/sql"]);
    }

    [Theory]
    [InlineData("""{"model": "acme/sql"}""", "")]
    [InlineData("""{"model": "acme/demo", "adapter": "acme/sql"}""", "")]
    [InlineData("""{"adapters": [{"name": "acme/sql", "weight": 0.5}]}""", "")]
    [InlineData("{}", "?adapter=acme/sql")]
    [InlineData("{}", "?adapter=acme%2Fsql:0.5")]
    [InlineData("""{"model": "acme/demo"}""", "")]
    public async Task Post_Completion_TakesTheName(string fields, string query)
    {
        var request = JsonSerializer.Deserialize<Dictionary<string, object>>(fields)!;
        request["prompt"] = "a";
        request["max_tokens"] = 1;

        await server.CompleteAsync(request, query);
    }

    [Theory]
    [InlineData("..%2Fkeys")]
    [InlineData("acme%2F..")]
    [InlineData("acme%2Fsql%2Fmore")]
    [InlineData("acme%252Fsql%252F..")]
    public async Task Put_NameThatIsAPath_IsRefused(string name)
    {
        using var response = await _client.PutAsync($"/v1/adapters/{name}", KeyedServer.Archive("rank-32"));

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("param").GetString().ShouldBe("name");
    }

    [Theory]
    [InlineData("base")]
    [InlineData("Versions")]
    [InlineData("acme%2Feffect")]
    [InlineData("acme%2Fdemo")]
    public async Task AnyRouteThatGivesAName_ReservedName_IsRefused(string name)
    {
        var text = name.Replace("%2F", "/");
        foreach (var response in new[]
        {
            await _client.PutAsync($"/v1/adapters/{name}", KeyedServer.Archive("rank-32")),
            await _client.PutAsJsonAsync($"/v1/adapters/{name}/mix", new { adapters = new[] { new { name = "acme/sql" } } }),
            await _client.PostAsJsonAsync("/v1/adapters/acme/sql/truncate", new { rank = 1, @as = text }),
            await _client.PostAsJsonAsync("/v1/load_lora_adapter", new { lora_name = text, lora_path = "x" }),
        })
        {
            (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!.ShouldContain($"'{text}' is ");
        }
    }

    [Fact]
    public void EveryPathBehindAName_IsReserved()
    {
        var behind = server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Select(endpoint => endpoint.RoutePattern.RawText!.TrimEnd('/'))
            .Where(route => route.StartsWith("/v1/adapters/{name}/", StringComparison.Ordinal) || route.StartsWith("/v1/models/{id}/", StringComparison.Ordinal))
            .Select(route => route.Split('/')[4])
            .ToHashSet();

        behind.ShouldBe(AdapterName.ReservedSegments, ignoreOrder: true);
    }

    [Theory]
    [InlineData("gpt-4o")]
    [InlineData("meta-llama/Llama-3.1-8B-Instruct")]
    [InlineData("hf.co/some/model:Q4_K_M")]
    [InlineData("llama3:latest")]
    [InlineData("a model")]
    public async Task Post_ModelThatThereIsNot_IsNotFoundInOpenAIsWords(string model)
    {
        using var response = await _client.PostAsJsonAsync("/v1/completions", new { model, prompt = "a" });

        var error = await LoraServeServer.ErrorAsync(response, 404);
        error.GetProperty("code").GetString().ShouldBe("model_not_found");
        error.GetProperty("message").GetString().ShouldBe($"The model `{model}` does not exist or you do not have access to it.");
    }

    [Fact]
    public async Task Post_ModelOfManyLetters_IsShortened()
    {
        using var response = await _client.PostAsJsonAsync("/v1/completions", new { model = new string('m', 100_000), prompt = "a" });

        (await LoraServeServer.ErrorAsync(response, 404)).GetProperty("message").GetString()!.Length.ShouldBeLessThan(200);
    }
}
