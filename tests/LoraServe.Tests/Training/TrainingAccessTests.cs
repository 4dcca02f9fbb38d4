using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Keys;
using LoraServe.Tests.Keys;

namespace LoraServe.Tests.Training;

/// <summary>Access of one key to another's files and jobs, and which adapters it may train.</summary>
[Collection(nameof(KeyedServer))]
public class TrainingAccessTests(KeyedServer server)
{
    private const string Line = """{"prompt": "a", "completion": "b"}""";

    [Fact]
    public async Task FilesAndJobs_OfAnotherKey_DoNotExist()
    {
        var (owner, other) = (Client(), Client());
        var file = await owner.FileAsync(Line);
        var job = (await TrainAsync(owner, file)).Text("id")!;

        foreach (var path in new[]
        {
            $"/v1/files/{file}", $"/v1/files/{file}/content", $"/v1/files?after={file}", $"/v1/fine_tuning/jobs/{job}", $"/v1/fine_tuning/jobs/{job}/events",
            $"/v1/fine_tuning/jobs/{job}/checkpoints", $"/v1/fine_tuning/jobs?after={job}",
        })
        {
            await LoraServeServer.ErrorAsync(await other.GetAsync(path), 404);
            (await owner.GetAsync(path)).IsSuccessStatusCode.ShouldBeTrue(path);
            (await server.Admin.GetAsync(path)).IsSuccessStatusCode.ShouldBeTrue(path);
        }

        await LoraServeServer.ErrorAsync(await other.GetAsync($"/v1/fine_tuning/jobs/{job}/archive"), 404);
        await LoraServeServer.ErrorAsync(await other.DeleteAsync($"/v1/files/{file}"), 404);
        await LoraServeServer.ErrorAsync(await other.DeleteAsync($"/v1/fine_tuning/jobs/{job}"), 404);
        foreach (var change in new[] { "cancel", "pause", "resume", "promote" })
            await LoraServeServer.ErrorAsync(await other.PostAsJsonAsync($"/v1/fine_tuning/jobs/{job}/{change}", new { alias = "a" }), 404);
        (await LoraServeServer.ErrorAsync(await other.PostAsJsonAsync("/v1/fine_tuning/jobs", Request(file)), 400)).Text("param").ShouldBe("training_file");
        (await other.GetFromJsonAsync<JsonElement>("/v1/files")).GetProperty("data").GetArrayLength().ShouldBe(0);
        (await other.GetFromJsonAsync<JsonElement>("/v1/fine_tuning/jobs")).GetProperty("data").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Post_NameThatTheKeyDoesNotAllow_IsRefused()
    {
        var client = Client("own-*");
        var file = await client.FileAsync(Line);

        (await LoraServeServer.ErrorAsync(await client.PostAsJsonAsync("/v1/fine_tuning/jobs", Request(file)), 403)).Text("code").ShouldBe("name_not_allowed");
        await TrainAsync(Client("ft:*"), await Client("ft:*").FileAsync(Line), isMissing: true);
    }

    [Fact]
    public async Task Post_MoreAdaptersThanTheKeyMayStore_IsRefused()
    {
        var client = server.ClientWith(grant => grant with { Scopes = [KeyScope.Train], Limits = new KeyLimits { Adapters = 0 } });
        var file = await client.FileAsync(Line);

        (await LoraServeServer.ErrorAsync(await client.PostAsJsonAsync("/v1/fine_tuning/jobs", Request(file)), 403)).Text("code").ShouldBe("quota_exceeded");
    }

    [Fact]
    public async Task Post_MoreBytesOfFilesThanTheKeyMayStore_IsRefusedUntilOneIsDeleted()
    {
        var client = server.ClientWith(grant => grant with { Scopes = [KeyScope.Train], Limits = new KeyLimits { FileBytes = Line.Length + 10 } });
        var first = await client.FileAsync(Line);

        var more = await UploadAsync(client, Line);
        var large = await UploadAsync(client, new string('x', 10_000_000));
        await client.DeleteAsync($"/v1/files/{first}");

        foreach (var refused in (HttpResponseMessage[])[more, large])
            (await LoraServeServer.ErrorAsync(refused, 403)).Text("code").ShouldBe("quota_exceeded");
        await client.FileAsync(Line);
    }

    [Fact]
    public async Task Post_MoreJobsThanTheKeyMayKeep_IsRefusedWhateverTheirKind()
    {
        var client = server.ClientWith(grant => grant with { Scopes = [KeyScope.Train, KeyScope.AdaptersWrite], Limits = new KeyLimits { Jobs = 1 } });
        var file = await client.FileAsync(Line);
        await TrainAsync(client, file);

        foreach (var (path, request) in new (string, object)[]
        {
            ("fine_tuning/jobs", Request(file)),
            ("evaluations", new { adapters = new[] { "base" }, file }),
            ("rank_studies", new { training_file = file, test_file = file }),
        })
        {
            (await LoraServeServer.ErrorAsync(await client.PostAsJsonAsync($"/v1/{path}", request), 403)).Text("code").ShouldBe("quota_exceeded");
        }
    }

    [Fact]
    public async Task Revoke_KeyWhoseTrainingRuns_EndsIt()
    {
        var (key, text) = server.CreateKey();
        var client = server.ClientOf(text);
        var file = await client.FileAsync(string.Join('\n', Enumerable.Repeat(Line, 8)));
        var lora = new { r = 2, steps = 1_000_000, learning_rate = 0.001 };
        var request = new
        {
            model = "llama-gqa",
            training_file = file,
            suffix = "revoked",
            method = new { type = "supervised", supervised = new { hyperparameters = new { lora } } },
        };
        var path = $"/v1/fine_tuning/jobs/{(await (await client.PostAsJsonAsync("/v1/fine_tuning/jobs", request)).OkAsync()).Text("id")}";
        await server.Admin.WhenAsync(path, job => job.Text("status") == "running");

        server.Keys.Revoke(key.Id, out _);
        var ended = await server.Admin.WhenAsync(path);

        (ended.Text("status"), ended.GetProperty("error").Text("code")).ShouldBe(("failed", "key_revoked"));
    }

    [Fact]
    public async Task Post_EvaluationOfTheBase_NeedsAKeyThatMayUseIt()
    {
        var client = server.ClientWith(grant => grant with { Scopes = [KeyScope.Train], AllowsBase = false });
        var file = await client.FileAsync(Line);

        var refusal = await LoraServeServer.ErrorAsync(await client.PostAsJsonAsync("/v1/evaluations", new { adapters = new[] { "base" }, file }), 403);

        refusal.Text("code").ShouldBe("base_not_allowed");
    }

    private static async Task<HttpResponseMessage> UploadAsync(HttpClient client, string text)
    {
        using var form = new MultipartFormDataContent { { new StringContent("fine-tune"), "purpose" }, { new StringContent(text), "file", "a.jsonl" } };
        return await client.PostAsync("/v1/files", form);
    }

    private HttpClient Client(string pattern = "*") =>
        server.ClientWith(grant => grant with { Scopes = [KeyScope.Train, KeyScope.AdaptersWrite], Adapters = KeyedServer.Patterns(pattern) });

    private static object Request(string file) => new { model = "llama-gqa", training_file = file, suffix = "access" };

    // Another client's file counts as missing, which is checked after the adapter's name.
    private static async Task<JsonElement> TrainAsync(HttpClient client, string file, bool isMissing = false)
    {
        using var response = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", Request(file));
        return isMissing ? await LoraServeServer.ErrorAsync(response, 400) : await response.OkAsync();
    }
}
