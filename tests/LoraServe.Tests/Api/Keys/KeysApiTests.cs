using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Keys;
using LoraServe.Tests.Keys;

namespace LoraServe.Tests.Api.Keys;

[Collection(nameof(KeyedServer))]
public class KeysApiTests(KeyedServer server)
{
    [Fact]
    public async Task Post_Key_ShowsItsTextOnceAndLetsItIn()
    {
        var request = new { name = "team a", scopes = new[] { "infer", "adapters:read" }, adapters = new[] { "a-*" }, @base = false, requests_per_minute = 9, expires_in = 3600 };

        using var response = await server.Admin.PostAsJsonAsync("/v1/keys", request);
        var key = await response.Content.ReadFromJsonAsync<JsonElement>();
        var id = key.GetProperty("id").GetString()!;
        var shown = await server.Admin.GetStringAsync($"/v1/keys/{id}");
        var listed = await server.Admin.GetStringAsync("/v1/keys");

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        response.Headers.Location!.ToString().ShouldBe($"/v1/keys/{id}");
        var text = key.GetProperty("key").GetString()!;
        shown.ShouldNotContain(text[^43..]);
        listed.ShouldNotContain(text[^43..]);
        listed.ShouldContain(id);
        key.GetProperty("scopes").ToString().ShouldBe("""["infer","adapters:read"]""");
        (key.GetProperty("expires").GetInt64() - key.GetProperty("created").GetInt64()).ShouldBe(3600);
        (await server.ClientOf(text).GetAsync("/v1/adapters")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await server.Admin.GetFromJsonAsync<JsonElement>($"/v1/keys/{id}")).GetProperty("last_use").ValueKind.ShouldBe(JsonValueKind.Number);
    }

    [Fact]
    public async Task Post_WrongFields_AreAllInOneAnswer()
    {
        using var response = await server.Admin.PostAsJsonAsync("/v1/keys", new { scopes = new[] { "infer", "root" }, adapters = "a", requests_per_minute = 0, limits = 1 });
        using var second = await server.Admin.PostAsJsonAsync("/v1/keys", new { scopes = Array.Empty<string>(), adapters = new[] { "a b" } });

        var message = (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!;
        foreach (var part in new[] { "scopes: expected a list of some of", "adapters:read", "adapters: expected a list of texts", "requests_per_minute: expected", "limits: is not a field" })
            message.ShouldContain(part);
        message = (await LoraServeServer.ErrorAsync(second, 400)).GetProperty("message").GetString()!;
        foreach (var part in new[] { "name: is required", "scopes: is required", "adapters: expected 1 to 128" }) message.ShouldContain(part);
    }

    [Theory]
    [InlineData("""{"name": "x", "scopes": ["infer, admin"]}""", "scopes")]
    [InlineData("""{"name": "x", "scopes": ["infer,adapters:read"]}""", "scopes")]
    [InlineData("""{"name": "x", "scopes": ["INFER"]}""", "scopes")]
    [InlineData("""{"name": "x", "scopes": [4]}""", "scopes")]
    [InlineData("""{"name": "x", "scopes": [null]}""", "scopes")]
    [InlineData("""{"name": "x", "scopes": ["infer"], "adapters": [null]}""", "adapters")]
    [InlineData("""{"name": "x\u202ey", "scopes": ["infer"]}""", "name")]
    [InlineData("""{"name": "x\u2028y", "scopes": ["infer"]}""", "name")]
    public async Task Post_HostileField_IsRefused(string body, string field)
    {
        using var response = await server.Admin.PostAsync("/v1/keys", new StringContent(body));

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!.ShouldStartWith($"{field}: expected");
    }

    [Fact]
    public async Task Post_BehindAPrefix_LocatesTheKeyBelowIt()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/keys")
        {
            Content = JsonContent.Create(new { name = "x", scopes = new[] { "infer" } }),
            Headers = { { "X-Forwarded-Prefix", "/team" } },
        };

        using var response = await server.Admin.SendAsync(request);

        response.Headers.Location!.ToString().ShouldStartWith("/team/v1/keys/");
    }

    [Fact]
    public async Task Post_ModeThatListsTwo_IsRefused()
    {
        using var response = await server.Admin.PostAsJsonAsync("/v1/completions", new { prompt = "a", max_tokens = 1, mode = "auto, merged" });

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!.ShouldStartWith("mode: expected");
    }

    [Fact]
    public async Task Delete_Key_RefusesItFromThenOn()
    {
        var (key, text) = server.CreateKey();
        var client = server.ClientOf(text);
        (await client.GetAsync("/v1/models")).StatusCode.ShouldBe(HttpStatusCode.OK);

        using var response = await server.Admin.DeleteAsync($"/v1/keys/{key.Id}");

        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("revoked").ValueKind.ShouldBe(JsonValueKind.Number);
        var error = await LoraServeServer.ErrorAsync(await client.GetAsync("/v1/models"), 401);
        (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()).ShouldBe(("invalid_request_error", "invalid_api_key"));
        (await server.Admin.GetStringAsync("/v1/keys")).ShouldContain(key.Id);
    }

    [Fact]
    public async Task Get_KeysPageByPage_ListsEachOnce()
    {
        for (var i = 0; i < 3; i++) server.CreateKey();
        var all = server.Keys.List().Select(key => key.Id).ToList();

        var found = new List<string>();
        for (var hasMore = true; hasMore;)
        {
            var page = await server.Admin.GetFromJsonAsync<JsonElement>($"/v1/keys?limit=50{(found.Count > 0 ? $"&after={found[^1]}" : "")}");
            found.AddRange(page.GetProperty("data").EnumerateArray().Select(key => key.GetProperty("id").GetString()!));
            hasMore = page.GetProperty("has_more").GetBoolean();
        }

        found.ShouldBeUnique();
        all.Except(found).ShouldBeEmpty();
        await LoraServeServer.ErrorAsync(await server.Admin.GetAsync("/v1/keys?after=unknown"), 404);
        await LoraServeServer.ErrorAsync(await server.Admin.GetAsync("/v1/keys?limit=0"), 400);
    }

    [Theory]
    [InlineData("Authorization", "Bearer {0}")]
    [InlineData("Authorization", "bearer {0}")]
    [InlineData("x-api-key", "{0}")]
    [InlineData("api-key", "{0}")]
    public async Task Get_KeyInEveryHeaderThatClientsUse_IsTaken(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.TryAddWithoutValidation(header, string.Format(value, server.CreateKey().Text));

        using var response = await server.ClientOf(null).SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Get_MissingScope_IsNamed()
    {
        using var response = await server.ClientWith(grant => grant with { Scopes = [KeyScope.Infer] }).GetAsync("/v1/adapters");

        var error = await LoraServeServer.ErrorAsync(response, 403);
        (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()).ShouldBe(("permission_error", "missing_scope"));
        error.GetProperty("message").GetString()!.ShouldContain("adapters:read");
    }

    [Theory]
    [InlineData("GET", "/v1/nothing", 404)]
    [InlineData("DELETE", "/v1/completions", 405)]
    public async Task Send_RouteThatDoesNotExist_NeedsNoKey(string method, string path, int status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await server.ClientOf(null).SendAsync(request);

        await LoraServeServer.ErrorAsync(response, status);
    }
}
