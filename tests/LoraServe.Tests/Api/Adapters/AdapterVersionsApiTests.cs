using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Api.Adapters;

[Collection(nameof(GoldenServer))]
public sealed class AdapterVersionsApiTests(GoldenServer server) : IAsyncLifetime
{
    private const string Name = "versioned";

    private readonly GoldenAdapters _adapters = new(server);

    public async ValueTask InitializeAsync()
    {
        await _adapters.PutAsync(Name, "attention-r4");
        await _adapters.PutAsync(Name, "all-linear-r8");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in new[] { Name, "mixed", "outer" }) await server.Client.DeleteAsync($"/v1/adapters/{name}?force=true");
    }

    [Fact]
    public async Task Get_Versions_ListsTheNewestFirst()
    {
        var versions = await VersionsAsync();

        versions.Select(version => version.GetProperty("rank").GetInt32()).ShouldBe([8, 4]);
        versions.Select(version => version.GetProperty("current").GetBoolean()).ShouldBe([true, false]);
        versions.Select(version => version.GetProperty("share").GetDouble()).ShouldBe([1, 0]);
    }

    [Fact]
    public async Task Post_Rollback_AnswersWithTheEarlierVersionAndKeepsTheLater()
    {
        using var response = await server.PostAsync($"/v1/adapters/{Name}/rollback", "");
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());

        await _adapters.ShouldActLikeAsync(Name, "attention-r4");
        var later = (await VersionsAsync()).Single(version => !version.GetProperty("current").GetBoolean()).GetProperty("version").GetString()!;
        (await server.PostAsync($"/v1/adapters/{Name}/rollback", $$"""{"version": "{{later[..8]}}"}""")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await _adapters.ShouldActLikeAsync(Name, "all-linear-r8");
    }

    [Fact]
    public async Task Post_RollbackToNoVersionOfTheName_IsRefused()
    {
        using var response = await server.PostAsync($"/v1/adapters/{Name}/rollback", """{"version": "0000"}""");

        (await LoraServeServer.ErrorAsync(response, 404)).GetProperty("message").GetString()!.ShouldContain("0000");
    }

    [Fact]
    public async Task Post_CompletionOfAnEarlierVersion_RunsOnItAndSaysSo()
    {
        var earlier = (await VersionsAsync())[1].GetProperty("version").GetString()!;

        await _adapters.ShouldActLikeAsync($"{Name}@{earlier[..6]}", "attention-r4");
        using var response = await server.PostAsync($"/v1/completions?adapter={Name}@{earlier[..6]}", """{"prompt": [1, 2], "max_tokens": 1}""");

        response.Headers.GetValues("x-loraserve-adapter").ShouldBe([$"{Name}@{earlier[..12]}"]);
    }

    [Fact]
    public async Task Patch_Split_SendsItsShareToTheEarlierVersion()
    {
        var earlier = (await VersionsAsync())[1].GetProperty("version").GetString()!;
        await PatchAsync($$$"""{"split": {"{{{earlier[..8]}}}": 1}}""");
        await _adapters.ShouldActLikeAsync(Name, "attention-r4");

        await PatchAsync("""{"split": {}}""");
        await _adapters.ShouldActLikeAsync(Name, "all-linear-r8");
    }

    [Fact]
    public async Task Patch_Settings_AreShownByGet()
    {
        await PatchAsync("""{"mode": "unmerged", "pinned": true, "weight": 2}""");

        var adapter = await server.Client.GetFromJsonAsync<JsonElement>($"/v1/adapters/{Name}");

        adapter.GetProperty("mode").GetString().ShouldBe("unmerged");
        adapter.GetProperty("pinned").GetBoolean().ShouldBeTrue();
        adapter.GetProperty("weight").GetDouble().ShouldBe(2);
    }

    [Theory]
    [InlineData("""{"mode": "sometimes"}""", "mode")]
    [InlineData("""{"weight": 0}""", "weight")]
    [InlineData("""{"split": {"0000": 2}}""", "split")]
    [InlineData("""{"colour": "red"}""", "colour")]
    public async Task Patch_FieldThatIsWrong_IsNamed(string body, string param)
    {
        using var response = await server.Client.PatchAsync($"/v1/adapters/{Name}", new StringContent(body));

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("param").GetString().ShouldBe(param);
    }

    [Fact]
    public async Task Put_Mix_ActsLikeTheSumOfItsParts()
    {
        var body = """{"adapters": [{"name": "versioned@EARLIER", "weight": 0.7}, {"name": "versioned", "weight": 0.4}]}"""
            .Replace("EARLIER", (await VersionsAsync())[1].GetProperty("version").GetString());
        using var saved = await server.Client.PutAsync("/v1/adapters/mixed/mix", new StringContent(body));
        saved.StatusCode.ShouldBe(HttpStatusCode.OK, await saved.Content.ReadAsStringAsync());

        await _adapters.ShouldActLikeAsync("mixed", "mix/attention-r4+all-linear-r8");
    }

    [Fact]
    public async Task Put_MixThatContainsItself_IsRefused()
    {
        using var inner = await server.Client.PutAsync("/v1/adapters/mixed/mix", new StringContent("""{"adapters": [{"name": "versioned"}]}"""));
        using var outer = await server.Client.PutAsync("/v1/adapters/outer/mix", new StringContent("""{"adapters": [{"name": "mixed"}]}"""));
        inner.StatusCode.ShouldBe(HttpStatusCode.OK);
        outer.StatusCode.ShouldBe(HttpStatusCode.OK);

        using var cyclic = await server.Client.PutAsync("/v1/adapters/mixed/mix", new StringContent("""{"adapters": [{"name": "outer"}]}"""));

        (await LoraServeServer.ErrorAsync(cyclic, 400)).GetProperty("message").GetString()!.ShouldContain("outer");
    }

    [Theory]
    [InlineData("?adapter=versioned@EARLIER:0.7,versioned:0.4", "")]
    [InlineData("", ", \"adapters\": [{\"name\": \"versioned@EARLIER\", \"weight\": 0.7}, {\"name\": \"versioned\", \"weight\": 0.4}]")]
    public async Task Post_CompletionOfAMix_EqualsReference(string query, string field)
    {
        var earlier = (await VersionsAsync())[1].GetProperty("version").GetString()!;

        await _adapters.ShouldActLikeAsync(
            query.Replace("EARLIER", earlier[..10]), field.Replace("EARLIER", earlier[..10]), "mix/attention-r4+all-linear-r8");
    }

    private async Task<List<JsonElement>> VersionsAsync() =>
        [.. (await server.Client.GetFromJsonAsync<JsonElement>($"/v1/adapters/{Name}/versions")).GetProperty("data").EnumerateArray()];

    private async Task PatchAsync(string body)
    {
        using var response = await server.Client.PatchAsync($"/v1/adapters/{Name}", new StringContent(body));
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
    }
}
