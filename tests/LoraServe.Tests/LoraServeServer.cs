using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Tests;

/// <summary>The whole server on a real socket, with a data folder of its own, ready when a test gets it.</summary>
public abstract class LoraServeServer : WebApplicationFactory<Program>, IAsyncLifetime
{
    /// <summary>How long tests wait for what must happen: so long that no machine is too slow for it.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private readonly IReadOnlyDictionary<string, string?> _settings;
    private readonly bool _ownsData;

    protected LoraServeServer(IReadOnlyDictionary<string, string?> settings, string? data = null)
    {
        _settings = settings;
        _ownsData = data is null;
        Data = data ?? Directory.CreateTempSubdirectory("loraserve-").FullName;
        UseKestrel();
    }

    /// <summary>The server's data folder.</summary>
    public string Data { get; }

    /// <summary>A client of the server.</summary>
    public HttpClient Client { get; private set; } = null!;

    internal LlmEngine Engine => Services.GetRequiredService<EngineService>().Engine;

    public virtual async ValueTask InitializeAsync()
    {
        StartServer();
        Client = CreateClient();
        using var timeout = new CancellationTokenSource(Patience);
        while (!(await Client.GetAsync("/readyz", timeout.Token)).IsSuccessStatusCode) await Task.Delay(Poll, timeout.Token);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_ownsData) Directory.Delete(Data, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Waits for what happens soon after an answer, such as the end of a cancelled sequence.</summary>
    internal static Task EventuallyAsync(Func<bool> condition) => EventuallyAsync(() => Task.FromResult(condition()));

    /// <summary>The same for what has to be asked for.</summary>
    internal static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(Patience, "it did not happen");
            await Task.Delay(Poll);
        }
    }

    /// <summary>Posts a body as it is, without a Content-Type, as curl -H 'Content-Type:' does.</summary>
    internal Task<HttpResponseMessage> PostAsync(string path, string body)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        return Client.PostAsync(path, content);
    }

    /// <summary>Posts a completion request that must succeed.</summary>
    internal Task<JsonElement> CompleteAsync(object request, string query = "") => PostJsonAsync($"/v1/completions{query}", request);

    /// <summary>The events of a stream of completions that must succeed, [DONE] left out.</summary>
    internal Task<List<JsonElement>> StreamAsync(object request, string query = "") => PostStreamAsync($"/v1/completions{query}", request);

    /// <summary>Posts a chat request that must succeed.</summary>
    internal Task<JsonElement> ChatAsync(object request) => PostJsonAsync("/v1/chat/completions", request);

    /// <summary>The events of a chat stream that must succeed, [DONE] left out.</summary>
    internal Task<List<JsonElement>> ChatStreamAsync(object request) => PostStreamAsync("/v1/chat/completions", request);

    /// <summary>Posts a request that must succeed.</summary>
    internal async Task<JsonElement> PostJsonAsync(string path, object request)
    {
        using var response = await Client.PostAsJsonAsync(path, request);
        var json = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, json.ToString());
        return json;
    }

    /// <summary>The events of a stream that must succeed, [DONE] left out.</summary>
    internal async Task<List<JsonElement>> PostStreamAsync(string path, object request)
    {
        using var response = await Client.PostAsJsonAsync(path, request);
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, text);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        var events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        events.ShouldAllBe(line => line.StartsWith("data: ", StringComparison.Ordinal) && !line.Contains('\n'));
        events[^1].ShouldBe("data: [DONE]");
        return [.. events[..^1].Select(line => JsonSerializer.Deserialize<JsonElement>(line["data: ".Length..]))];
    }

    /// <summary>The error of a request that must be refused, in OpenAI's shape.</summary>
    internal static async Task<JsonElement> ErrorAsync(HttpResponseMessage response, int status)
    {
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBe(status, text);
        var error = JsonSerializer.Deserialize<JsonElement>(text).GetProperty("error");
        error.EnumerateObject().Select(field => field.Name).ShouldBe(["message", "type", "param", "code"]);
        error.GetProperty("message").GetString().ShouldNotBeNullOrWhiteSpace();
        return error;
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder) => builder.ConfigureAppConfiguration(configuration =>
        configuration.AddInMemoryCollection(_settings.Append(new("LoraServe:Data", Data)).Append(new("LoraServe:Urls", "http://127.0.0.1:0"))));

    /// <summary>Settings for a small and exactly reproducible server; later ones replace earlier ones.</summary>
    protected static Dictionary<string, string?> Settings(params IEnumerable<(string Name, string Value)> more)
    {
        var settings = new Dictionary<string, string?>();
        foreach (var (name, value) in more.Prepend(("KvCacheMemory", "64")).Prepend(("Threads", "1")).Prepend(("Dtype", "float32")))
            settings[$"LoraServe:{name}"] = value;
        // Those whose answers the reference implementation gave, whatever the bundled ones have become.
        if (!settings.ContainsKey("LoraServe:Model")) settings.TryAdd("LoraServe:Adapters", Repository.Golden("demo", "adapters"));
        return settings;
    }
}

/// <summary>The bundled demo model with four adapters that PEFT trained.</summary>
public sealed class DemoServer() : LoraServeServer(Settings());

/// <summary>The same, and nothing is ever merged.</summary>
public sealed class UnmergedDemoServer() : LoraServeServer(Settings(("MergedBytes", "0")));

/// <summary>The tiny checkpoint that the golden uploads are for.</summary>
public sealed class GoldenServer() : LoraServeServer(Settings(("Model", Repository.EngineGolden("checkpoints", "llama-gqa"))));

[CollectionDefinition(nameof(DemoServer))]
public sealed class DemoServerCollection : ICollectionFixture<DemoServer>;

[CollectionDefinition(nameof(GoldenServer))]
public sealed class GoldenServerCollection : ICollectionFixture<GoldenServer>;
