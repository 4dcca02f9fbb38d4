using LoraServe.Keys;
using LoraServe.Tests.Keys;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Tests.Metrics;

/// <summary>--allow-anonymous-metrics on a server that has keys.</summary>
public class OpenMetricsTests(OpenMetricsTests.OpenServer server) : IClassFixture<OpenMetricsTests.OpenServer>
{
    [Fact]
    public async Task Get_WithoutAKey_IsAnsweredAndNothingElseIs()
    {
        server.Services.GetRequiredService<KeyRing>().Create(KeyedServer.Grant);

        (await MetricsServer.ReadAsync(server.Client))["vllm:num_requests_running"].ShouldBe(0);
        using var models = await server.Client.GetAsync("/v1/models");
        await LoraServeServer.ErrorAsync(models, 401);
    }

    public sealed class OpenServer() : LoraServeServer(Settings(
        ("Model", Repository.EngineGolden("checkpoints", "llama-gqa")), ("AllowAnonymousMetrics", "true")));
}
