using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace LoraServe.Tests.Api.Adapters;

[Collection(nameof(GoldenServer))]
public class AdaptersApiTests(GoldenServer server)
{
    private static readonly string[] PeftFiles = ["adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"];

    public static TheoryData<string> Refused { get; } = Cases("refuse");

    public static TheoryData<string> Accepted { get; } = Cases("accept");

    public static TheoryData<string> Archives { get; } = Cases("archive");

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Post_AdapterThatCannotBeServed_IsRefusedAndNothingStored(string name)
    {
        var before = Stored();

        using var response = await PostFilesAsync("refused", Repository.EngineGolden("refuse", name));

        await LoraServeServer.ErrorAsync(response, Case("refuse", name).GetProperty("status").GetInt32());
        Stored().ShouldBe(before);
        (await server.Client.GetAsync("/v1/adapters/refused")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public async Task Post_OddAdapter_ActsLikeTheOneItIsMadeFrom(string name)
    {
        using var response = await PostFilesAsync(name, Repository.EngineGolden("accept", name));

        var adapter = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.StatusCode.ShouldBe(HttpStatusCode.Created, adapter.ToString());
        response.Headers.Location!.ToString().ShouldBe($"/v1/adapters/{name}");
        await ShouldActLikeAsync(name, Case("accept", name).GetProperty("same_as").GetString()!);
        if (name == "other-base-name") adapter.GetProperty("warnings").GetArrayLength().ShouldBeGreaterThan(0);
        (await server.Client.DeleteAsync($"/v1/adapters/{name}")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [MemberData(nameof(Archives))]
    public async Task Post_Archive_IsUnpackedOrRefused(string name)
    {
        var expected = Case("archive", name);
        var before = Stored();
        using var form = new MultipartFormDataContent
        {
            { new StringContent("from-archive"), "name" },
            { new ByteArrayContent(await File.ReadAllBytesAsync(Repository.EngineGolden("archives", name))), "file", name },
        };

        using var response = await server.Client.PostAsync("/v1/adapters", form);

        if (expected.TryGetProperty("status", out var status))
        {
            await LoraServeServer.ErrorAsync(response, status.GetInt32());
        }
        else
        {
            response.StatusCode.ShouldBe(HttpStatusCode.Created, await response.Content.ReadAsStringAsync());
            await ShouldActLikeAsync("from-archive", expected.GetProperty("same_as").GetString()!);
            await server.Client.DeleteAsync("/v1/adapters/from-archive");
        }

        Stored().ShouldBe(before);
    }

    [Fact]
    public async Task Post_NameBehindTheFile_IsAccepted()
    {
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(await File.ReadAllBytesAsync(Repository.EngineGolden("archives", "good.zip"))), "file", "a.zip" },
            { new StringContent("late-name"), "name" },
        };

        using var response = await server.Client.PostAsync("/v1/adapters", form);

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        await server.Client.DeleteAsync("/v1/adapters/late-name");
    }

    [Fact]
    public async Task Post_DryRun_ValidatesAndStoresNothing()
    {
        var before = Stored();

        using var response = await PostFilesAsync("dry", Repository.EngineGolden("accept", "fsdp"), "?dry_run=true");

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("rank").GetInt32().ShouldBe(4);
        Stored().ShouldBe(before);
        await LoraServeServer.ErrorAsync(await server.Client.GetAsync("/v1/adapters/dry"), 404);
    }

    [Fact]
    public async Task Post_NameOfOtherContent_IsAConflictThatPutResolves()
    {
        (await PostFilesAsync("taken", Golden("attention-r4"))).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await PostFilesAsync("taken", Golden("attention-r4"))).IsSuccessStatusCode.ShouldBeTrue();

        using var conflict = await PostFilesAsync("taken", Golden("all-linear-r8"));
        using var replaced = await PutAsync("taken", Golden("all-linear-r8"));

        (await LoraServeServer.ErrorAsync(conflict, 409)).GetProperty("code").GetString().ShouldBe("adapter_exists");
        conflict.Headers.GetValues("x-should-retry").ShouldBe(["false"]);
        replaced.StatusCode.ShouldBe(HttpStatusCode.OK, await replaced.Content.ReadAsStringAsync());
        await ShouldActLikeAsync("taken", "llama-gqa/all-linear-r8");
        await server.Client.DeleteAsync("/v1/adapters/taken");
    }

    [Fact]
    public async Task Get_Adapter_DescribesIt()
    {
        using var created = await PutAsync("described", Golden("attention-r4"));
        created.StatusCode.ShouldBe(HttpStatusCode.Created);

        var adapter = await server.Client.GetFromJsonAsync<JsonElement>("/v1/adapters/described");
        var list = await server.Client.GetFromJsonAsync<JsonElement>("/v1/adapters");

        adapter.GetProperty("version").GetString()!.Length.ShouldBe(64);
        adapter.GetProperty("base_model").GetString().ShouldBe("llama-gqa");
        adapter.GetProperty("rank").GetInt32().ShouldBe(4);
        adapter.GetProperty("parameters").GetInt64().ShouldBeGreaterThan(0);
        list.GetProperty("data").EnumerateArray().Select(item => item.GetProperty("id").GetString()).ShouldContain("described");
        await server.Client.DeleteAsync("/v1/adapters/described");
        await LoraServeServer.ErrorAsync(await server.Client.DeleteAsync("/v1/adapters/described"), 404);
    }

    [Theory]
    [InlineData("..")]
    [InlineData("a/b/c")]
    [InlineData("../a")]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("llama-gqa")]
    [InlineData("a b")]
    [InlineData("base")]
    [InlineData("Base")]
    [InlineData("mix")]
    [InlineData("acme/versions")]
    [InlineData("(base)")]
    [InlineData("(mix)")]
    [InlineData("(other)")]
    [InlineData(".")]
    [InlineData("a@b")]
    [InlineData("a:b")]
    [InlineData("a,b")]
    public async Task Post_NameThatCannotBe_IsRefused(string name)
    {
        var before = Stored();

        using var response = await PostFilesAsync(name, Golden("attention-r4"));

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("param").GetString().ShouldBe("name");
        Stored().ShouldBe(before);
    }

    [Fact]
    public async Task Put_NameThatCannotBe_IsRefusedBeforeTheBodyIsRead()
    {
        using var response = await server.Client.PutAsync("/v1/adapters/-a", new StringContent("no archive"));

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("param").GetString().ShouldBe("name");
    }

    [Fact]
    public async Task Post_NoForm_SaysWhatIsExpected()
    {
        using var response = await server.PostAsync("/v1/adapters", "{}");

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!.ShouldContain("name and file");
    }

    [Fact]
    public async Task Post_FormWithoutItsParts_NamesThemAll()
    {
        using var form = new MultipartFormDataContent();
        form.Add(new StringContent(""), "name");

        using var response = await server.Client.PostAsync("/v1/adapters", form);

        var message = (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!;
        message.ShouldContain("name: is missing");
        message.ShouldContain("file: is missing");
    }

    [Fact]
    public async Task Post_NameTwice_IsRefused()
    {
        using var form = new MultipartFormDataContent { { new StringContent("a"), "name" }, { new StringContent("b"), "name" } };

        using var response = await server.Client.PostAsync("/v1/adapters", form);

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("param").GetString().ShouldBe("name");
    }

    [Fact]
    public async Task Post_FormThatIsCutOff_SaysSo()
    {
        using var content = new StringContent("--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\na");
        content.Headers.ContentType = new("multipart/form-data") { Parameters = { new("boundary", "x") } };

        using var response = await server.Client.PostAsync("/v1/adapters", content);

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!.ShouldStartWith("The form ends before its closing boundary");
    }

    [Fact]
    public async Task Post_DryRunThatIsNeitherTrueNorFalse_IsNamed()
    {
        using var response = await server.Client.PostAsync("/v1/adapters?dry_run=maybe", null);

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!.ShouldContain("maybe");
    }

    [Fact]
    public async Task Post_UnknownPart_IsNamed()
    {
        using var form = new MultipartFormDataContent { { new StringContent("x"), "adapter" } };

        using var response = await server.Client.PostAsync("/v1/adapters", form);

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString()!.ShouldContain("unknown part 'adapter'");
    }

    [Fact]
    public async Task Put_ConnectionThatBreaks_StoresNothing()
    {
        var before = Stored();
        var archive = await File.ReadAllBytesAsync(Repository.EngineGolden("archives", "good.zip"));
        using (var client = new TcpClient(server.Client.BaseAddress!.Host, server.Client.BaseAddress.Port))
        {
            await using var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"PUT /v1/adapters/cut HTTP/1.1\r\nHost: localhost\r\nContent-Length: {archive.Length}\r\n\r\n"));
            await stream.WriteAsync(archive.AsMemory(0, archive.Length / 2));
            // Only an upload that has begun can be broken off.
            await LoraServeServer.EventuallyAsync(() => !Stored().SequenceEqual(before));
        }

        await LoraServeServer.EventuallyAsync(() => Stored().SequenceEqual(before));
        (await server.Client.GetAsync("/v1/adapters/cut")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    private static JsonElement Uploads() => JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Repository.EngineGolden("uploads.json")));

    private static JsonElement Case(string kind, string name) => Uploads().EnumerateArray()
        .Single(item => item.GetProperty("kind").GetString() == kind && item.GetProperty("case").GetString() == name);

    private static TheoryData<string> Cases(string kind) => [.. Uploads().EnumerateArray()
        .Where(item => item.GetProperty("kind").GetString() == kind)
        .Select(item => item.GetProperty("case").GetString()!)];

    private static string Golden(string name) => Repository.EngineGolden("adapters", "llama-gqa", name);

    // Everything below the data folder, so that a forgotten temporary file is seen too.
    private string[] Stored() =>
        [.. Directory.GetFileSystemEntries(server.Data, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private Task<HttpResponseMessage> PostFilesAsync(string name, string folder, string query = "")
    {
        var form = new MultipartFormDataContent { { new StringContent(name), "name" } };
        foreach (var file in PeftFiles.Where(file => File.Exists(Path.Combine(folder, file))))
            form.Add(new ByteArrayContent(File.ReadAllBytes(Path.Combine(folder, file))), "files", file);
        return server.Client.PostAsync($"/v1/adapters{query}", form);
    }

    private async Task<HttpResponseMessage> PutAsync(string name, string folder)
    {
        await using var archive = new MemoryStream();
        await ZipFile.CreateFromDirectoryAsync(folder, archive);
        return await server.Client.PutAsync($"/v1/adapters/{name}", new ByteArrayContent(archive.ToArray()));
    }

    // The first expected row of the original's case, token by token.
    private async Task ShouldActLikeAsync(string adapter, string original)
    {
        var rows = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Repository.EngineGolden("expected", "llama-gqa.json")));
        var row = rows.EnumerateArray().First(row => row.GetProperty("case").GetString() == Path.GetFileName(original));
        var greedy = row.GetProperty("greedy").EnumerateArray().Select(id => id.GetInt32()).ToArray();

        var response = await server.CompleteAsync(
            new { prompt = row.GetProperty("prompt"), temperature = 0, max_tokens = greedy.Length, ignore_eos = true, return_token_ids = true, adapter });

        response.GetProperty("choices")[0].GetProperty("token_ids").EnumerateArray().Select(id => id.GetInt32()).ShouldBe(greedy);
    }
}
