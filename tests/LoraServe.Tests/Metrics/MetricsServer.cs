namespace LoraServe.Tests.Metrics;

/// <summary>The demo with two places for running sequences: nobody else's requests count here.</summary>
public sealed class MetricsServer() : LoraServeServer(Settings(("MaxNumSeqs", "2"), ("MergedBytes", "0")))
{
    internal Task<PrometheusText> ReadMetricsAsync() => ReadAsync(Client);

    internal static async Task<PrometheusText> ReadAsync(HttpClient client)
    {
        using var response = await client.GetAsync("/metrics");
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK);
        response.Content.Headers.ContentType!.ToString().ShouldBe("text/plain; version=0.0.4; charset=utf-8");
        return PrometheusText.Parse(await response.Content.ReadAsStringAsync());
    }
}
