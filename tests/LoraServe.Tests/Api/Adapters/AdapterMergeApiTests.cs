using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Api.Adapters;

[Collection(nameof(GoldenServer))]
public sealed class AdapterMergeApiTests(GoldenServer server) : IAsyncLifetime
{
    private const string Name = "mergeable";

    private readonly GoldenAdapters _adapters = new(server);

    public async ValueTask InitializeAsync() => await _adapters.PutAsync(Name, "all-linear-r8");

    public async ValueTask DisposeAsync()
    {
        await server.PostAsync($"/v1/adapters/{Name}/unmerge", "");
        await server.Client.DeleteAsync($"/v1/adapters/{Name}?force=true");
    }

    [Fact]
    public async Task Post_MergeAndUnmerge_ActTheSameAndLeaveTheBaseAlone()
    {
        var before = await BaseAsync();

        var merged = await PostAsync("merge");
        await _adapters.ShouldActLikeAsync(Name, "all-linear-r8");
        var shown = await server.Client.GetFromJsonAsync<JsonElement>($"/v1/adapters/{Name}");
        var unmerged = await PostAsync("unmerge");

        merged.GetProperty("is_merged").GetBoolean().ShouldBeTrue();
        merged.GetProperty("explanation").GetString()!.ShouldStartWith("Merged by hand");
        shown.GetProperty("merge").GetProperty("is_merged").GetBoolean().ShouldBeTrue();
        unmerged.GetProperty("is_merged").GetBoolean().ShouldBeFalse();
        await _adapters.ShouldActLikeAsync(Name, "all-linear-r8");
        (await BaseAsync()).ShouldBe(before);
        var verified = await VerifyAsync();
        verified.GetProperty("is_unchanged").GetBoolean().ShouldBeTrue();
        verified.GetProperty("fingerprint").GetString().ShouldBe(before);
        verified.GetProperty("checksum").GetString().ShouldBe(verified.GetProperty("loaded_checksum").GetString());
    }

    [Fact]
    public async Task Delete_OfAMergedAdapter_IsNoUseOfItsName()
    {
        await PostAsync("merge");

        using var response = await server.Client.DeleteAsync($"/v1/adapters/{Name}");

        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("merged")]
    [InlineData("unmerged")]
    public Task Post_CompletionOfEachMode_EqualsReference(string mode) =>
        _adapters.ShouldActLikeAsync($"?adapter={Name}", $", \"mode\": \"{mode}\"", "all-linear-r8");

    [Fact]
    public async Task Post_MergeOfUnknownAdapter_IsNotFound()
    {
        using var response = await server.PostAsync("/v1/adapters/nobody/merge", "");

        await LoraServeServer.ErrorAsync(response, 404);
    }

    [Fact]
    public async Task Post_VerifyOfUnknownModel_IsNotFound()
    {
        using var response = await server.PostAsync("/v1/models/nobody/verify", "");

        await LoraServeServer.ErrorAsync(response, 404);
    }

    private async Task<JsonElement> PostAsync(string verb)
    {
        using var response = await server.PostAsync($"/v1/adapters/{Name}/{verb}", "");
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    private async Task<string> BaseAsync() =>
        (await server.Client.GetFromJsonAsync<JsonElement>("/v1/models/llama-gqa")).GetProperty("fingerprint").GetString()!;

    private async Task<JsonElement> VerifyAsync()
    {
        using var response = await server.PostAsync("/v1/models/llama-gqa/verify", "");
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }
}
