using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;

namespace LoraServe.Tests.Keys;

/// <summary>Requests whose key is taken back while they run.</summary>
[Collection(nameof(KeyedServer))]
public class KeyWatchTests(KeyedServer server)
{
    // Long enough that no machine is done with it before anybody looks.
    private static readonly string[] Prompts = [.. Enumerable.Repeat("a", 7)];

    [Fact]
    public async Task Revoke_StreamThatRuns_EndsItWithAnErrorEvent()
    {
        var (key, text) = server.CreateKey();
        var client = server.ClientOf(text);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = JsonContent.Create(new { prompt = Prompts, max_tokens = 100, n = 100, ignore_eos = true, stream = true }),
        };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);

        server.Keys.Revoke(key.Id, out _);
        var events = (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        events[^1].ShouldStartWith("data: {\"error\":");
        events[^1].ShouldContain("was revoked");
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 0, Queued: 0 });
    }

    [Fact]
    public async Task Revoke_RequestThatWaits_IsRefused()
    {
        var (key, text) = server.CreateKey();
        var running = server.ClientOf(text).PostAsJsonAsync(
            "/v1/completions", new { prompt = Prompts, max_tokens = 100, n = 100, ignore_eos = true });
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status.Running > 0);

        server.Keys.Revoke(key.Id, out _);
        using var response = await running;

        (await LoraServeServer.ErrorAsync(response, 401)).GetProperty("message").GetString()!.ShouldContain("was revoked");
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 0, Queued: 0 });
    }

    [Fact]
    public async Task Revoke_UploadThatRuns_IsCutOff()
    {
        var (key, text) = server.CreateKey();
        var body = new SlowContent();
        // The factory's own client would collect the whole body first.
        using var client = new HttpClient { BaseAddress = server.Client.BaseAddress };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", text);
        var uploading = client.PutAsync("/v1/adapters/cut-off", body);
        await LoraServeServer.EventuallyAsync(() => Incoming().Count > 0);

        server.Keys.Revoke(key.Id, out _);
        await LoraServeServer.EventuallyAsync(() => Incoming().Count == 0);

        body.End();
        // It may see the answer, or that the server takes no more.
        await Task.WhenAny(uploading);
        if (uploading.IsCompletedSuccessfully) await LoraServeServer.ErrorAsync(await uploading, 401);
        server.Engine.Adapters.Find("cut-off").ShouldBeNull();

        List<string> Incoming() => [.. Directory.EnumerateFileSystemEntries(Path.Combine(server.Data, "adapters", "incoming"))];
    }

    // Sends a byte every now and then, for as long as anybody takes it.
    private sealed class SlowContent : HttpContent
    {
        private volatile bool _isOver;

        public void End() => _isOver = true;

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            while (!_isOver)
            {
                await stream.WriteAsync(new byte[100]);
                await stream.FlushAsync();
                await Task.Delay(20);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
