using System.IO.Compression;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using LoraServe.Tests.Api.Adapters;

namespace LoraServe.Tests.Generation;

/// <summary>Whatever goes wrong, nothing stays behind: no lease on an adapter, no sequence, no memory that nobody uses.</summary>
public class GeneratorTests(GeneratorTests.NarrowServer server) : IClassFixture<GeneratorTests.NarrowServer>
{
    private static readonly object[] Conversation = [new { role = "user", content = "a" }];

    [Fact]
    public async Task Compare_TemplateThatFails_LetsGoOfTheAdapters()
    {
        await UploadAsync("mine", "sql");

        var status = await CompareAsync(new
        {
            messages = Conversation,
            adapters = new[] { "mine", "sentiment" },
            chat_template = "{{ raise_exception('no') }}",
        });

        status.ShouldBe(400);
        await LeavesNothingAsync("mine");
    }

    [Fact]
    public async Task Compare_SecondAdapterCannotBeLoaded_LetsGoOfTheFirst()
    {
        await UploadAsync("mine", "sentiment");
        var broken = await UploadAsync("broken", "sql");
        // They take its place in memory.
        (await CompareAsync(new { prompt = "a", adapters = new[] { "extract", "sql" }, include_base = false, max_tokens = 1 })).ShouldBe(200);
        File.Delete(Path.Combine(Directory.GetDirectories(server.Data, broken, SearchOption.AllDirectories).Single(), "adapter_model.safetensors"));

        var status = await CompareAsync(new { prompt = "a", adapters = new[] { "mine", "broken" }, include_base = false });

        status.ShouldBe(500);
        await LeavesNothingAsync("mine");
        await LeavesNothingAsync("broken");
    }

    [Fact]
    public async Task Compare_QueueIsFullForTheSecondColumn_LetsGoOfBoth()
    {
        await UploadAsync("mine", "sentiment");
        using var patience = new CancellationTokenSource();
        var others = new List<Task>();
        for (var count = 1; count <= 2; count++)
        {
            others.Add(server.Client.PostAsJsonAsync("/v1/completions", new { prompt = "a", max_tokens = 1000, ignore_eos = true }, patience.Token));
            await LoraServeServer.EventuallyAsync(() => server.Engine.Status is var status && status.Running + status.Waiting == others.Count);
        }

        var status = await CompareAsync(new { prompt = "a", adapters = new[] { "mine" } });

        status.ShouldBe(429);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 1, Waiting: 1 });
        await patience.CancelAsync();
        foreach (var other in others) await Should.ThrowAsync<OperationCanceledException>(other);
        await LeavesNothingAsync("mine");
    }

    [Fact]
    public async Task Compare_ClientGone_LetsGoOfBoth()
    {
        await UploadAsync("mine", "sentiment");
        using var patience = new CancellationTokenSource();
        var request = new { prompt = "a", adapters = new[] { "mine" }, max_tokens = 1000, ignore_eos = true };
        var gone = server.Client.PostAsJsonAsync("/v1/compare", request, patience.Token);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 1, Waiting: 1 });

        await patience.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(gone);
        await LeavesNothingAsync("mine");
    }

    [Fact]
    public async Task Complete_AdapterWaitsForMemory_IsLoadAlready()
    {
        using var patience = new CancellationTokenSource();
        var holding = HoldAsync("summarize");
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 1, Waiting: 0 });
        var waiting = server.Client.PostAsJsonAsync(
            "/v1/completions", new { prompt = "a", model = "extract", max_tokens = 1, n = 2 }, patience.Token);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Adapters.CacheStatus.Waiting == 1);

        var load = await server.Client.GetStringAsync("/load");
        using var ready = await server.Client.GetAsync("/readyz");
        await patience.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(holding);
        await Should.ThrowAsync<OperationCanceledException>(waiting);

        load.ShouldBe("""{"server_load":3}""");
        (await ready.Content.ReadAsStringAsync()).ShouldContain("overloaded");
        for (var i = 0; i < 100 && await server.Client.GetStringAsync("/load") != """{"server_load":0}"""; i++) await Task.Delay(20);
        (await server.Client.GetStringAsync("/load")).ShouldBe("""{"server_load":0}""");

        Task<HttpResponseMessage> HoldAsync(string adapter) => server.Client.PostAsJsonAsync(
            "/v1/completions", new { prompt = "a", model = adapter, max_tokens = 1000, ignore_eos = true }, patience.Token);
    }

    [Fact]
    public async Task Compare_MoreThanTheMemoryForAdapters_SaysHowMuch()
    {
        using var response = await server.Client.PostAsJsonAsync(
            "/v1/compare", new { prompt = "a", adapters = new[] { "summarize", "extract" }, include_base = false });

        var error = await LoraServeServer.ErrorAsync(response, 400);
        error.GetProperty("param").GetString().ShouldBe("adapters");
        error.GetProperty("message").GetString()!.ShouldEndWith($"bytes of memory at the same time, adapter-cache-bytes allows {NarrowServer.CacheBytes}");
    }

    [Fact]
    public async Task Complete_AdapterLargerThanTheMemoryForAdapters_IsTheClientsFault()
    {
        const string Embedding = "model.embed_tokens.weight";
        var upload = new PeftUpload()
            .Set("modules_to_save", new JsonArray("embed_tokens"))
            .AddOfBase(Embedding, $"base_model.model.{Embedding}", isChanged: true);
        using var stored = await server.Client.PutAsync("/v1/adapters/large?measure_effect=false", new ByteArrayContent(upload.Zip()));
        stored.IsSuccessStatusCode.ShouldBeTrue(await stored.Content.ReadAsStringAsync());

        using var response = await server.Client.PostAsJsonAsync("/v1/completions", new { model = "large", prompt = "a" });

        var error = await LoraServeServer.ErrorAsync(response, 400);
        error.GetProperty("code").GetString().ShouldBe("adapter_too_large");
        error.GetProperty("message").GetString()!.ShouldStartWith("The adapter 'large' needs ");
        error.GetProperty("message").GetString()!.ShouldContain($"adapter-cache-bytes allows {NarrowServer.CacheBytes}");
        await LeavesNothingAsync("large");
    }

    [Fact]
    public async Task Compare_ManyAtOnceWithRoomForOne_AllAnswer()
    {
        // Two that held one adapter each would wait for each other's memory.
        string[][] pairs = [["extract", "sql"], ["summarize", "sql"], ["sql", "extract"], ["sql", "summarize"], ["summarize", "sentiment"]];

        for (var round = 0; round < 4; round++)
        {
            var statuses = await Task.WhenAll(pairs.Select(adapters =>
                CompareAsync(new { prompt = "a", adapters, include_base = false, max_tokens = 1 })));
            // The queue has room for two.
            statuses.ShouldAllBe(status => status == 200 || status == 429);
            statuses.ShouldContain(200);
        }
    }

    private async Task<int> CompareAsync(object request)
    {
        using var response = await server.Client.PostAsJsonAsync("/v1/compare", request);
        return (int)response.StatusCode;
    }

    private async Task<string> UploadAsync(string name, string demo)
    {
        var folder = Directory.CreateTempSubdirectory("loraserve-generator-");
        foreach (var file in Directory.GetFiles(Repository.File("src", "LoraServe", "Demo", "adapters", demo), "adapter_*"))
            File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
        // A version of its own, which is in memory for nobody else.
        var path = Path.Combine(folder.FullName, "adapter_config.json");
        var config = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
        config["lora_alpha"] = 3;
        await File.WriteAllTextAsync(path, config.ToJsonString());
        await using var archive = new MemoryStream();
        await ZipFile.CreateFromDirectoryAsync(folder.FullName, archive);
        folder.Delete(recursive: true);
        using var upload = await server.Client.PutAsync($"/v1/adapters/{name}", new ByteArrayContent(archive.ToArray()));
        upload.IsSuccessStatusCode.ShouldBeTrue(await upload.Content.ReadAsStringAsync());
        return server.Engine.Adapters.Find(name)!.Version.Value;
    }

    private async Task LeavesNothingAsync(string uploaded)
    {
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 0, Waiting: 0, KvBlocksUsed: 0 });
        var isDeleted = false;
        for (var i = 0; i < 100 && !isDeleted; i++)
        {
            using var response = await server.Client.DeleteAsync($"/v1/adapters/{uploaded}");
            isDeleted = response.IsSuccessStatusCode;
            if (!isDeleted) await Task.Delay(20);
        }

        isDeleted.ShouldBeTrue();
    }

    public sealed class NarrowServer() : LoraServeServer(Settings(
        ("MaxNumSeqs", "1"), ("MaxQueuedSeqs", "2"), ("MergedBytes", "0"), ("AdapterCacheBytes", $"{CacheBytes}")))
    {
        // Room for loading the largest two of the demo's adapters that a test compares, and not for a third.
        public const long CacheBytes = 4_000_000;
    }
}
