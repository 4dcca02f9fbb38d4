using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Keys;

namespace LoraServe.Tests.Keys;

/// <summary>What a key with a list of adapters sees and may do.</summary>
[Collection(nameof(KeyedServer))]
public sealed class AdapterAccessTests(KeyedServer server) : IAsyncLifetime
{
    private static readonly int[] Prompt = [.. Enumerable.Range(40, 40)];
    private static readonly string[] Names = ["ours-a", "ours-b", "theirs", "ours-mix", "their-mix"];

    private readonly HttpClient _client = server.ClientWith(grant => grant with { Adapters = KeyedServer.Patterns("ours-*"), AllowsBase = false, Scopes = [KeyScope.Infer, KeyScope.AdaptersRead, KeyScope.AdaptersWrite] });

    public async ValueTask InitializeAsync()
    {
        await KeyedServer.PutAsync(server.Admin, "ours-a");
        await KeyedServer.PutAsync(server.Admin, "ours-b", "all-linear-r8");
        await KeyedServer.PutAsync(server.Admin, "theirs", "all-linear-r8");
        await MixAsync("ours-mix", "ours-a", "theirs");
        await MixAsync("their-mix", "ours-b", "theirs");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in Names.Append("ours-small")) await server.Admin.DeleteAsync($"/v1/adapters/{name}?force=true");
    }

    [Fact]
    public async Task Get_Lists_ShowOnlyWhatTheKeyMayUse()
    {
        (await IdsAsync("/v1/adapters")).ShouldBe(["ours-a", "ours-b", "ours-mix"]);
        (await IdsAsync("/v1/models")).ShouldBe(["ours-a", "ours-b", "ours-mix"]);
        (await _client.GetAsync($"/v1/models/{server.Engine.Model.Name}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("?adapter=theirs", "{}")]
    [InlineData("", """{"adapter": "theirs"}""")]
    [InlineData("", """{"model": "theirs"}""")]
    [InlineData("?adapter=theirs@0", "{}")]
    [InlineData("?adapter=ours-a:0.5,theirs:0.5", "{}")]
    [InlineData("", """{"adapters": [{"name": "ours-a"}, {"name": "theirs"}]}""")]
    public async Task Post_CompletionOfAForeignAdapter_IsAsIfItDidNotExist(string query, string fields)
    {
        var body = JsonSerializer.Deserialize<Dictionary<string, object>>(fields)!;
        body["prompt"] = "a";

        using var existing = await _client.PostAsJsonAsync($"/v1/completions{query}", body);
        using var missing = await _client.PostAsync(
            $"/v1/completions{query.Replace("theirs", "nobody")}", new StringContent(JsonSerializer.Serialize(body).Replace("theirs", "nobody")));

        var text = await existing.Content.ReadAsStringAsync();
        (await LoraServeServer.ErrorAsync(existing, 404)).GetProperty("message").GetString().ShouldBe("The model `theirs` does not exist or you do not have access to it.");
        text.Replace("theirs", "nobody").ShouldBe(await missing.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Post_CompletionOfTheBase_NeedsAKeyThatAllowsIt()
    {
        using var response = await _client.PostAsJsonAsync("/v1/completions", new { prompt = "a" });

        (await LoraServeServer.ErrorAsync(response, 403)).GetProperty("code").GetString().ShouldBe("base_not_allowed");
    }

    [Fact]
    public async Task Post_CompletionOfASavedMix_GoesByItsOwnName()
    {
        using var ours = await _client.PostAsJsonAsync("/v1/completions?adapter=ours-mix", new { prompt = "a", max_tokens = 1 });
        using var theirs = await _client.PostAsJsonAsync("/v1/completions?adapter=their-mix", new { prompt = "a", max_tokens = 1 });
        var shown = await _client.GetStringAsync("/v1/adapters/ours-mix");

        ours.StatusCode.ShouldBe(HttpStatusCode.OK);
        theirs.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        shown.ShouldContain("ours-a");
        shown.ShouldNotContain("theirs");
    }

    [Fact]
    public async Task Put_MixWithAForeignPart_IsAsIfThePartDidNotExist()
    {
        using var response = await _client.PutAsJsonAsync("/v1/adapters/ours-new/mix", new { adapters = new[] { new { name = "theirs" } } });

        (await LoraServeServer.ErrorAsync(response, 404)).GetProperty("message").GetString().ShouldBe("The model `theirs` does not exist or you do not have access to it.");
    }

    [Fact]
    public async Task Post_TruncateToAForeignName_IsRefusedLikeAnUpload()
    {
        using var response = await _client.PostAsJsonAsync("/v1/adapters/ours-b/truncate", new { rank = 1, @as = "theirs" });
        using var allowed = await _client.PostAsJsonAsync("/v1/adapters/ours-b/truncate", new { rank = 1, @as = "ours-small" });

        (await LoraServeServer.ErrorAsync(response, 403)).GetProperty("code").GetString().ShouldBe("name_not_allowed");
        allowed.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Post_ComparisonOrEvaluationOfAMixWhoseHiddenPartHasGone_DoesNotNameThePart()
    {
        await KeyedServer.PutAsync(server.Admin, "secret");
        await MixAsync("their-inner", "secret", "theirs");
        await MixAsync("ours-outer", "ours-a", "their-inner");
        await server.Admin.DeleteAsync("/v1/adapters/secret?force=true");
        var client = server.ClientWith(grant => grant with { Adapters = KeyedServer.Patterns("ours-*"), Scopes = [KeyScope.Infer, KeyScope.Train] });
        string[] adapters = ["ours-outer"];

        using var compared = await client.PostAsJsonAsync("/v1/compare", new { prompt = "a", adapters, max_tokens = 1 });
        using var evaluated = await client.PostAsJsonAsync("/v1/evaluations", new { adapters, file = "file-1" });
        using var tokenized = await client.PostAsJsonAsync("/tokenize", new { prompt = "a", model = "ours-outer" });
        foreach (var name in new[] { "ours-outer", "their-inner" }) await server.Admin.DeleteAsync($"/v1/adapters/{name}?force=true");

        foreach (var response in (HttpResponseMessage[])[compared, evaluated, tokenized])
        {
            var message = (await LoraServeServer.ErrorAsync(response, 404)).GetProperty("message").GetString()!;
            message.ShouldContain("A part of the saved mix cannot be used");
            message.ShouldNotContain("secret");
            message.ShouldNotContain("their-inner");
        }
    }

    [Fact]
    public async Task Get_ListsPageByPage_ShowEachOnceAndNothingHidden()
    {
        (await PagesAsync("/v1/adapters", "id")).ShouldBe(["ours-a", "ours-b", "ours-mix"]);
        await KeyedServer.PutAsync(server.Admin, "ours-a", "all-linear-r8");
        var versions = await PagesAsync("/v1/adapters/ours-a/versions", "version");

        versions.Count.ShouldBe(2);
        versions.ShouldBeUnique();
        foreach (var query in new[] { "?limit=0", "?limit=1001", "/ours-a/versions?after=unknown" })
            await LoraServeServer.ErrorAsync(await _client.GetAsync($"/v1/adapters{query}"), 400);

        async Task<List<string>> PagesAsync(string path, string field)
        {
            var found = new List<string>();
            for (var hasMore = true; hasMore;)
            {
                var page = await _client.GetFromJsonAsync<JsonElement>($"{path}?limit=1{(found.Count > 0 ? $"&after={found[^1]}" : "")}");
                page.GetProperty("data").GetArrayLength().ShouldBe(1);
                found.Add(page.GetProperty("data")[0].GetProperty(field).GetString()!);
                hasMore = page.GetProperty("has_more").GetBoolean();
            }

            return found;
        }
    }

    [Fact]
    public async Task Get_MixWhoseHiddenPartHasGone_DoesNotNameThePart()
    {
        await KeyedServer.PutAsync(server.Admin, "secret");
        await MixAsync("their-inner", "secret", "theirs");
        await MixAsync("ours-outer", "ours-a", "their-inner");
        await server.Admin.DeleteAsync("/v1/adapters/secret?force=true");

        var shown = await _client.GetStringAsync("/v1/adapters/ours-outer");
        var listed = await _client.GetStringAsync("/v1/adapters");
        using var asked = await _client.PostAsJsonAsync("/v1/completions?adapter=ours-outer", new { prompt = "a", max_tokens = 1 });
        using var merged = await _client.PostAsync("/v1/adapters/ours-outer/merge", null);
        var all = await server.Admin.GetStringAsync("/v1/adapters/ours-outer");
        foreach (var name in new[] { "ours-outer", "their-inner" }) await server.Admin.DeleteAsync($"/v1/adapters/{name}?force=true");

        all.ShouldContain("secret");
        foreach (var text in new[] { shown, listed, await asked.Content.ReadAsStringAsync(), await merged.Content.ReadAsStringAsync() })
        {
            text.ShouldContain("A part of the saved mix cannot be used");
            text.ShouldNotContain("secret");
            text.ShouldNotContain("their-inner");
        }

        await LoraServeServer.ErrorAsync(asked, 404);
    }

    [Fact]
    public async Task Post_LoadOfAFolder_NeedsAKeyForEverything()
    {
        foreach (var path in new[] { "x", "/", "no/such/folder" })
        {
            using var response = await _client.PostAsJsonAsync("/v1/load_lora_adapter", new { lora_name = "ours-new", lora_path = path });

            (await LoraServeServer.ErrorAsync(response, 403)).GetProperty("code").GetString().ShouldBe("load_not_allowed");
        }
    }

    [Fact]
    public async Task Post_UnmergeOfAForeignAdaptersContent_IsRefused()
    {
        (await server.Admin.PostAsync("/v1/adapters/theirs/merge", null)).StatusCode.ShouldBe(HttpStatusCode.OK);

        using var refused = await _client.PostAsync("/v1/adapters/ours-b/unmerge", null);
        using var allowed = await server.Admin.PostAsync("/v1/adapters/ours-b/unmerge", null);

        (await LoraServeServer.ErrorAsync(refused, 403)).GetProperty("code").GetString().ShouldBe("merge_shared");
        allowed.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Delete_AdapterInAForeignMix_DoesNotNameTheMix()
    {
        using var response = await _client.DeleteAsync("/v1/adapters/ours-b");

        var message = (await LoraServeServer.ErrorAsync(response, 409)).GetProperty("message").GetString()!;
        message.ShouldContain("in use by a mix");
        message.ShouldNotContain("their");
    }

    [Fact]
    public async Task Post_SamePromptWithAnotherKey_SharesNoPrefix()
    {
        var (mine, yours) = (server.ClientWith(grant => grant), server.ClientWith(grant => grant));

        (await CachedAsync(mine, null)).ShouldBe(0);
        (await CachedAsync(mine, null)).ShouldBe(32);
        (await CachedAsync(yours, null)).ShouldBe(0);
        (await CachedAsync(mine, "salt")).ShouldBe(0);
        (await CachedAsync(mine, "salt")).ShouldBe(32);
        (await CachedAsync(yours, "salt")).ShouldBe(0);
    }

    [Fact]
    public void CacheSalt_AnyCallersAndSalts_NeverMeet()
    {
        var (first, second) = (Caller.Of(server.CreateKey().Key), Caller.Of(server.CreateKey().Key));
        var anonymous = Caller.Anonymous(KeyScopes.All);
        string?[] salts = [null, "a", $"key {first.Id}:", $"{first.Id}:", ":", "anonymous:"];

        var all = new[] { first, second, anonymous, Caller.AdminKeyFile }.SelectMany(caller => salts.Select(caller.CacheSalt)).ToList();

        all.Distinct().Count().ShouldBe(all.Count);
        anonymous.CacheSalt("").ShouldBe("");
    }

    [Fact]
    public void CacheSalt_OfMegabytes_IsAsShortAsAHash()
    {
        var caller = Caller.Anonymous(KeyScopes.All);
        var salt = new string('a', 1 << 20);

        caller.CacheSalt(salt).Length.ShouldBeLessThan(100);
        caller.CacheSalt(salt).ShouldBe(caller.CacheSalt(new string('a', 1 << 20)));
        caller.CacheSalt(salt).ShouldNotBe(caller.CacheSalt(salt + "a"));
    }

    private static async Task<int> CachedAsync(HttpClient client, string? salt)
    {
        using var response = await client.PostAsJsonAsync("/v1/completions", new { prompt = Prompt, max_tokens = 1, cache_salt = salt });
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        return answer.GetProperty("usage").GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();
    }

    private async Task<List<string?>> IdsAsync(string path)
    {
        var list = await _client.GetFromJsonAsync<JsonElement>(path);
        return [.. list.GetProperty("data").EnumerateArray().Select(item => item.GetProperty("id").GetString())];
    }

    private async Task MixAsync(string name, params string[] parts)
    {
        var request = new { adapters = parts.Select(part => new { name = part, weight = 0.5 }) };
        using var response = await server.Admin.PutAsJsonAsync($"/v1/adapters/{name}/mix", request);
        response.IsSuccessStatusCode.ShouldBeTrue(await response.Content.ReadAsStringAsync());
    }
}
