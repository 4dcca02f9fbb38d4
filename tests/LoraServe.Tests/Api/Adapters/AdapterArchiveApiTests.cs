using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Tests.Keys;

namespace LoraServe.Tests.Api.Adapters;

[Collection(nameof(GoldenServer))]
public sealed class AdapterArchiveApiTests(GoldenServer server) : IAsyncLifetime
{
    private const string Name = "taken-away";

    private readonly GoldenAdapters _adapters = new(server);

    public async ValueTask InitializeAsync()
    {
        await _adapters.PutAsync(Name, "attention-r4");
        await _adapters.PutAsync(Name, "all-linear-r8");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in new[] { "brought-back", "brought-twice", "blend", Name }) await server.Client.DeleteAsync($"/v1/adapters/{name}?force=true");
    }

    [Theory]
    [InlineData("", "application/gzip", "tar.gz")]
    [InlineData("?format=tar.gz", "application/gzip", "tar.gz")]
    [InlineData("?format=zip", "application/zip", "zip")]
    public async Task Get_Archive_UploadedAgainIsTheSameVersion(string query, string type, string extension)
    {
        var version = await VersionAsync(Name);

        using var response = await server.Client.GetAsync($"/v1/adapters/{Name}/archive{query}");

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe(type);
        response.Content.Headers.ContentDisposition!.DispositionType.ShouldBe("attachment");
        response.Content.Headers.ContentDisposition.FileName.ShouldBe($"{Name}-{version[..12]}.{extension}");
        response.Headers.ETag!.Tag.ShouldBe($"\"{version}\"");
        (await UploadAsync("brought-back", await response.Content.ReadAsByteArrayAsync())).ShouldBe(version);
        (await GreedyAsync("brought-back")).ShouldBe(await GreedyAsync(Name));
    }

    [Fact]
    public async Task Get_ArchiveOfAnEarlierVersion_GivesThatOne()
    {
        var versions = await server.Client.GetFromJsonAsync<JsonElement>($"/v1/adapters/{Name}/versions");
        var earlier = versions.GetProperty("data")[1].GetProperty("version").GetString()!;

        var archive = await server.Client.GetByteArrayAsync($"/v1/adapters/{Name}/archive?version={earlier[..8]}");
        var same = await server.Client.GetByteArrayAsync($"/v1/adapters/{Name}@{earlier[..8]}/archive");

        (await UploadAsync("brought-back", archive)).ShouldBe(earlier);
        same.ShouldBe(archive);
    }

    [Fact]
    public async Task Get_ArchiveOfASum_AnswersAsTheSumDoes()
    {
        await _adapters.PutAsync("brought-twice", "rslora-r16");
        using var saved = await server.Client.PutAsJsonAsync(
            "/v1/adapters/blend/mix",
            new { adapters = new object[] { new { name = Name, weight = 0.7 }, new { name = "brought-twice", weight = 0.4 } } });
        saved.StatusCode.ShouldBe(HttpStatusCode.OK, await saved.Content.ReadAsStringAsync());
        var expected = await GreedyAsync("blend");

        using var response = await server.Client.GetAsync("/v1/adapters/blend/archive");
        var version = await UploadAsync("brought-back", await response.Content.ReadAsByteArrayAsync());

        response.Headers.ETag!.Tag.ShouldBe($"\"{await VersionAsync("blend")}\"");
        (await GreedyAsync("brought-back")).ShouldBe(expected);
        (await UploadAsync("brought-twice", await server.Client.GetByteArrayAsync("/v1/adapters/brought-back/archive"))).ShouldBe(version);
    }

    [Fact]
    public async Task Get_VersionThatTheClientHas_IsNotSentAgain()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/adapters/{Name}/archive");
        request.Headers.IfNoneMatch.ParseAdd($"\"{await VersionAsync(Name)}\"");

        using var response = await server.Client.SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (await response.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Head_Archive_GivesTheHeadersAlone()
    {
        using var response = await server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"/v1/adapters/{Name}/archive?format=zip"));

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.ETag!.Tag.ShouldBe($"\"{await VersionAsync(Name)}\"");
        response.Content.Headers.ContentDisposition!.FileName!.ShouldEndWith(".zip");
        (await response.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("nobody/archive", 404)]
    [InlineData(Name + "/archive?version=0000", 404)]
    [InlineData(Name + "/archive?format=rar", 400)]
    [InlineData(Name + "/archive?version=..%2F..", 400)]
    [InlineData(Name + "@12/archive?version=12", 400)]
    [InlineData("..%2F..%2Fkeys.db/archive", 400)]
    public async Task Get_WhatIsNot_IsRefused(string path, int status) =>
        await LoraServeServer.ErrorAsync(await server.Client.GetAsync($"/v1/adapters/{path}"), status);

    [Fact]
    public async Task Get_ManyWhileTheNameIsDeletedAndUploaded_AreWholeOrNotThere()
    {
        var version = await VersionAsync(Name);
        using var stop = new CancellationTokenSource();
        using var patience = new CancellationTokenSource(LoraServeServer.Patience);
        var changes = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await server.Client.DeleteAsync($"/v1/adapters/{Name}?force=true");
                await _adapters.SendAsync(Name, Repository.EngineGolden("adapters", "llama-gqa", "all-linear-r8"), "?measure_effect=false");
            }
        });

        var whole = 0;
        try
        {
            // Many refusals fit into a moment in which the name is not there.
            for (var i = 0; (i < 40 || whole == 0) && !changes.IsCompleted; i++)
            {
                using var response = await server.Client.GetAsync($"/v1/adapters/{Name}/archive", patience.Token);
                if (response.StatusCode == HttpStatusCode.NotFound) continue;
                response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
                (await UploadAsync("brought-back", await response.Content.ReadAsByteArrayAsync())).ShouldBe(version);
                whole++;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await changes;
        }

        whole.ShouldBeGreaterThan(0);
    }

    private async Task<string> VersionAsync(string name) =>
        (await server.Client.GetFromJsonAsync<JsonElement>($"/v1/adapters/{name}")).GetProperty("version").GetString()!;

    private async Task<string> UploadAsync(string name, byte[] archive)
    {
        using var response = await server.Client.PutAsync($"/v1/adapters/{name}?measure_effect=false", new ByteArrayContent(archive));
        var adapter = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.IsSuccessStatusCode.ShouldBeTrue(adapter.ToString());
        return adapter.GetProperty("version").GetString()!;
    }

    private async Task<string> GreedyAsync(string adapter)
    {
        var answer = await server.CompleteAsync(new { adapter, prompt = new[] { 5, 9, 2, 11 }, temperature = 0, max_tokens = 24, ignore_eos = true, return_token_ids = true });
        return answer.GetProperty("choices")[0].GetProperty("token_ids").ToString();
    }
}

/// <summary>The same for callers that may not see everything.</summary>
[Collection(nameof(KeyedServer))]
public sealed class AdapterArchiveAccessTests(KeyedServer server)
{
    [Fact]
    public async Task Get_SumWithPartsThatTheKeyMayNotSee_IsRefused()
    {
        await KeyedServer.PutAsync(server.Admin, "secret-part");
        (await server.Admin.PutAsJsonAsync("/v1/adapters/shown-sum/mix", new { adapters = new[] { new { name = "secret-part", weight = 0.5 } } }))
            .EnsureSuccessStatusCode();
        var client = server.ClientWith(grant => grant with { Adapters = KeyedServer.Patterns("shown-*") });

        using var refused = await client.GetAsync("/v1/adapters/shown-sum/archive");
        using var hidden = await client.GetAsync("/v1/adapters/secret-part/archive");
        using var allowed = await server.Admin.GetAsync("/v1/adapters/shown-sum/archive");

        (await LoraServeServer.ErrorAsync(refused, 403)).GetProperty("message").GetString()!.ShouldNotContain("secret");
        await LoraServeServer.ErrorAsync(hidden, 404);
        allowed.StatusCode.ShouldBe(HttpStatusCode.OK);
        foreach (var name in new[] { "shown-sum", "secret-part" }) await server.Admin.DeleteAsync($"/v1/adapters/{name}?force=true");
    }
}
