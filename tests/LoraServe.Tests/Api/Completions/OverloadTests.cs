using System.Net.Http.Json;

namespace LoraServe.Tests.Api.Completions;

/// <summary>A server with room for one running sequence and two that wait.</summary>
public class OverloadTests(OverloadTests.SmallServer server) : IClassFixture<OverloadTests.SmallServer>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Post_FullQueue_IsSentAwayForAWhileAndServedAfterwards(bool stream)
    {
        var request = new { prompt = "Maria", max_tokens = 4, stream };
        using var patience = new CancellationTokenSource();
        var running = LongAsync(1);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 1, Waiting: 0 });
        var waiting = LongAsync(2);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 1, Waiting: 2 });

        using var ready = await server.Client.GetAsync("/readyz");
        using var refused = await server.Client.PostAsJsonAsync("/v1/completions", request);
        await patience.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);
        await Should.ThrowAsync<OperationCanceledException>(waiting);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 0, Waiting: 0, KvBlocksUsed: 0 });
        using var served = await server.Client.PostAsJsonAsync("/v1/completions", request);

        (await ready.Content.ReadAsStringAsync()).ShouldContain("overloaded");
        (await LoraServeServer.ErrorAsync(refused, 429)).GetProperty("code").GetString().ShouldBe("rate_limit_exceeded");
        refused.Headers.RetryAfter.ShouldNotBeNull();
        served.IsSuccessStatusCode.ShouldBeTrue();

        Task<HttpResponseMessage> LongAsync(int n) => server.Client.PostAsJsonAsync(
            "/v1/completions", new { prompt = "Maria", max_tokens = 1000, ignore_eos = true, n }, patience.Token);
    }

    public sealed class SmallServer() : LoraServeServer(Settings(("MaxNumSeqs", "1"), ("MaxQueuedSeqs", "2")));
}
