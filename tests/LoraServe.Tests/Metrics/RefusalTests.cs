using System.Net.Http.Json;
using LoraServe.Keys;
using LoraServe.Tests.Keys;

namespace LoraServe.Tests.Metrics;

/// <summary>The count of requests refused by limits of keys, and who may read it.</summary>
[Collection(nameof(KeyedServer))]
public class RefusalTests(KeyedServer server)
{
    [Fact]
    public async Task Get_AfterRefusals_CountsThemByLimit()
    {
        var before = await MetricsServer.ReadAsync(server.Admin);
        var requests = server.ClientWith(grant => grant with { Limits = new KeyLimits { RequestsPerMinute = 1 } });
        for (var i = 0; i < 4; i++) (await requests.GetAsync("/v1/models")).Dispose();
        var tokens = server.ClientWith(grant => grant with { Limits = new KeyLimits { TokensPerMinute = 3 } });
        for (var i = 0; i < 3; i++) (await tokens.PostAsJsonAsync("/v1/completions", new { prompt = new[] { 1, 2 }, max_tokens = 1 })).Dispose();
        var storage = server.ClientWith(grant => grant with { Limits = new KeyLimits { Adapters = 0 } });
        (await storage.PutAsync("/v1/adapters/refused?measure_effect=false", KeyedServer.Archive("attention-r4"))).Dispose();

        var after = await MetricsServer.ReadAsync(server.Admin);

        double Grown(string limit) => after.Sum("loraserve_quota_refusals_total", ("limit", limit)) - before.Sum("loraserve_quota_refusals_total", ("limit", limit));
        Grown("requests").ShouldBe(3);
        Grown("tokens").ShouldBe(2);
        Grown("storage").ShouldBe(1);
        Grown("concurrent_requests").ShouldBe(0);
    }

    [Fact]
    public async Task Get_KeyWithoutTheScope_IsForbidden()
    {
        using var response = await server.ClientWith(grant => grant with { Scopes = [KeyScope.Infer] }).GetAsync("/metrics");

        await LoraServeServer.ErrorAsync(response, 403);
    }
}
