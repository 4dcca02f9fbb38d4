using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Tests.Keys;

namespace LoraServe.Tests.Api.Audit;

[Collection(nameof(KeyedServer))]
public class AuditApiTests(KeyedServer server)
{
    [Fact]
    public async Task Get_AfterEveryKindOfChange_TellsWhoDidWhat()
    {
        var (key, text) = server.CreateKey(grant => grant with { Name = "auditor" });
        var client = server.ClientOf(text);
        await KeyedServer.PutAsync(client, "audited");
        await KeyedServer.PutAsync(client, "audited");
        await KeyedServer.PutAsync(client, "audited", "all-linear-r8");
        await OkAsync(client.PostAsync("/v1/adapters/audited/rollback", null));
        await OkAsync(client.PatchAsJsonAsync("/v1/adapters/audited", new { pinned = true }));
        await OkAsync(client.PostAsync("/v1/adapters/audited/merge", null));
        await OkAsync(client.PostAsync("/v1/adapters/audited/unmerge", null));
        await OkAsync(client.PostAsJsonAsync("/v1/adapters/audited/truncate", new { rank = 1, @as = "audited-small" }));
        await OkAsync(client.PutAsJsonAsync("/v1/adapters/audited-mix/mix", new { adapters = new[] { new { name = "audited" } } }));
        foreach (var name in new[] { "audited-mix", "audited-small", "audited" }) await OkAsync(client.DeleteAsync($"/v1/adapters/{name}"));
        using var created = await client.PostAsJsonAsync("/v1/keys", new { name = "made", scopes = new[] { "infer" } });
        var made = (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
        await OkAsync(client.DeleteAsync($"/v1/keys/{made}"));

        var entries = await ListAsync("?limit=1000", key.Id);

        entries.Select(entry => $"{Text(entry, "action")} {Text(entry, "target")}").Reverse().ShouldBe(
        [
            "adapter.created audited", "adapter.replaced audited", "adapter.rolled_back audited", "adapter.updated audited", "adapter.merged audited",
            "adapter.unmerged audited", "adapter.truncated audited-small", "adapter.mixed audited-mix", "adapter.deleted audited-mix",
            "adapter.deleted audited-small", "adapter.deleted audited", $"key.created {made}", $"key.revoked {made}",
        ]);
        entries.ShouldAllBe(entry => Text(entry, "actor_name") == "auditor" && Text(entry, "request_id")!.StartsWith("req_"));
        var (replaced, first, rolledBack) = (Of("adapter.replaced"), Of("adapter.created"), Of("adapter.rolled_back"));
        first.GetProperty("from_version").ValueKind.ShouldBe(JsonValueKind.Null);
        Text(replaced, "from_version").ShouldBe(Text(first, "to_version"));
        (Text(rolledBack, "from_version"), Text(rolledBack, "to_version")).ShouldBe((Text(replaced, "to_version"), Text(replaced, "from_version")));
        Text(Of("adapter.updated"), "details").ShouldBe("""{"pinned":true}""");

        JsonElement Of(string action) => entries.Single(entry => Text(entry, "action") == action);
    }

    [Fact]
    public async Task Get_PageByPage_ListsEachOnce()
    {
        await KeyedServer.PutAsync(server.Admin, "paged");
        await OkAsync(server.Admin.DeleteAsync("/v1/adapters/paged"));
        var all = await ListAsync("?limit=1000");

        var ids = new List<string?>();
        // Jobs of others may add entries meanwhile, which are newer than the newest here.
        var query = $"?limit=1&after={Text(all[0], "id")}";
        for (var hasMore = true; hasMore;)
        {
            var page = await server.Admin.GetFromJsonAsync<JsonElement>($"/v1/audit{query}");
            ids.Add(Text(page.GetProperty("data")[0], "id"));
            hasMore = page.GetProperty("has_more").GetBoolean();
            query = $"?limit=1&after={ids[^1]}";
        }

        ids.ShouldBe(all.Skip(1).Select(entry => Text(entry, "id")));
    }

    [Theory]
    [InlineData("?limit=0")]
    [InlineData("?limit=1001")]
    [InlineData("?after=7")]
    [InlineData("?limit=many")]
    public async Task Get_WrongParameter_IsRefused(string query) => await LoraServeServer.ErrorAsync(await server.Admin.GetAsync($"/v1/audit{query}"), 400);

    private static string? Text(JsonElement entry, string field) => entry.GetProperty(field).GetString();

    private static async Task OkAsync(Task<HttpResponseMessage> sending)
    {
        using var response = await sending;
        response.IsSuccessStatusCode.ShouldBeTrue(await response.Content.ReadAsStringAsync());
    }

    private async Task<List<JsonElement>> ListAsync(string query, string? actor = null)
    {
        var list = await server.Admin.GetFromJsonAsync<JsonElement>($"/v1/audit{query}");
        return [.. list.GetProperty("data").EnumerateArray().Where(entry => actor is null || Text(entry, "actor") == actor)];
    }
}
