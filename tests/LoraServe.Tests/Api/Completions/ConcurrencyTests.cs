using System.Net.Http.Json;
using System.Text.Json;
using static TorchSharp.torch;

namespace LoraServe.Tests.Api.Completions;

/// <summary>A server of its own: the state of the engine is compared before and after, so that nothing may be merged in between.</summary>
public class ConcurrencyTests(UnmergedDemoServer server) : IClassFixture<UnmergedDemoServer>
{
    private const int Streams = 64;

    private static readonly string?[] Adapters = [null, "summarize", "extract", "sql", "sentiment", "half-sentiment"];

    [Fact]
    public async Task Post_ManyStreamsAThirdCancelled_OthersEqualTheirSoloRunsAndNothingStays()
    {
        await UploadHalfSentimentAsync();
        var requests = Enumerable.Range(0, Streams).Select(Request).ToList();
        var solo = new List<string>();
        foreach (var request in requests) solo.Add(Key((await server.CompleteAsync(request)).GetProperty("choices").EnumerateArray()));
        // What others left to the finalizer, and the last step's logits, are no part of what is to stay.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        await server.Engine.InvokeAsync(() => 0);
        var tensorsBefore = Tensor.TotalCount;

        var streams = await Task.WhenAll(requests.Select((request, i) => i % 3 == 0 ? AbandonAsync(request) : ReadAsync(request)));

        for (var i = 0; i < Streams; i++)
        {
            if (i % 3 != 0) streams[i].ShouldBe(solo[i], $"stream {i}");
        }

        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 0, Waiting: 0, KvBlocksUsed: 0 });
        await LoraServeServer.EventuallyAsync(() => Tensor.TotalCount == tensorsBefore);
    }

    [Fact]
    public async Task Post_MoreThanTheQueueHolds_IsRefusedAsAWhole()
    {
        var request = new { prompt = Enumerable.Repeat("a", 9).ToArray(), n = 128 };

        using var refused = await server.Client.PostAsJsonAsync("/v1/completions", request);

        var error = await LoraServeServer.ErrorAsync(refused, 400);
        error.GetProperty("param").GetString().ShouldBe("prompt");
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 0, Waiting: 0, KvBlocksUsed: 0 });
    }

    [Fact]
    public async Task Post_ClientThatGoesAwayBeforeItsAnswer_FreesTheEngine()
    {
        using var patience = new CancellationTokenSource();
        var request = new { prompt = "Maria", max_tokens = 1000, ignore_eos = true, n = 8 };
        var answer = server.Client.PostAsJsonAsync("/v1/completions", request, patience.Token);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status.Running == 8);

        await patience.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(answer);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 0, Waiting: 0, KvBlocksUsed: 0 });
    }

    private static Dictionary<string, object?> Request(int i) => new()
    {
        ["prompt"] = $"Hello. My order {10000 + (37 * i)} quit working after only a month. Can I get another one? Alluco Ellington",
        ["adapter"] = Adapters[i % Adapters.Length],
        ["seed"] = i,
        ["temperature"] = i % 2 == 0 ? 0 : 0.9,
        ["max_tokens"] = 16 + (i % 16),
        ["return_token_ids"] = true,
    };

    private static string Key(IEnumerable<JsonElement> parts)
    {
        var all = parts.ToList();
        var ids = all.SelectMany(part => part.TryGetProperty("token_ids", out var some) ? some.EnumerateArray() : []);
        var text = string.Concat(all.Select(part => part.GetProperty("text").GetString()));
        return $"{string.Join(' ', ids)} | {text} | {all[^1].GetProperty("finish_reason")}";
    }

    private async Task<string> ReadAsync(Dictionary<string, object?> request)
    {
        var events = await server.StreamAsync(new Dictionary<string, object?>(request) { ["stream"] = true });
        return Key(events.Select(chunk => chunk.GetProperty("choices")[0]));
    }

    private async Task<string> AbandonAsync(Dictionary<string, object?> request)
    {
        var longer = new Dictionary<string, object?>(request) { ["stream"] = true, ["ignore_eos"] = true, ["max_tokens"] = 256 };
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(longer) };
        using var response = await server.Client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (var i = 0; i < 8; i++) await reader.ReadLineAsync();
        return "abandoned";
    }

    // The same tensors at half the scale: a fifth adapter of other content.
    private async Task UploadHalfSentimentAsync()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Demo", "adapters", "sentiment");
        var json = await File.ReadAllTextAsync(Path.Combine(folder, "adapter_config.json"));
        var config = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json)!;
        var tensors = await File.ReadAllBytesAsync(Path.Combine(folder, "adapter_model.safetensors"));
        config["lora_alpha"] = JsonSerializer.SerializeToElement(config["lora_alpha"].GetInt32() / 2);
        using var form = new MultipartFormDataContent
        {
            { new StringContent("half-sentiment"), "name" },
            { JsonContent.Create(config), "files", "adapter_config.json" },
            { new ByteArrayContent(tensors), "files", "adapter_model.safetensors" },
        };
        (await server.Client.PostAsync("/v1/adapters", form)).IsSuccessStatusCode.ShouldBeTrue();
    }
}
