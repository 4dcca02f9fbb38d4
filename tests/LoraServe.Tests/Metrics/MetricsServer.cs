using System.Diagnostics;

namespace LoraServe.Tests.Metrics;

/// <summary>The demo model with two running sequences at most, for these tests alone, so that no other requests are counted.</summary>
public sealed class MetricsServer() : LoraServeServer(Settings(("MaxNumSeqs", "2"), ("MergedBytes", "0")))
{
    /// <summary>
    /// A client that disconnects as soon as a response is disposed. Others keep reading for two seconds, in which a fast machine finishes.
    /// </summary>
    internal HttpClient CreateLeavingClient() => new(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = Client.BaseAddress };

    internal Task<PrometheusText> ReadMetricsAsync() => ReadAsync(Client);

    /// <summary>
    /// Reads until a condition holds, since metrics are updated shortly after a response; after a timeout returns the last reading.
    /// </summary>
    internal async Task<PrometheusText> ReadMetricsAsync(Func<PrometheusText, bool> isThere)
    {
        var start = Stopwatch.GetTimestamp();
        var metrics = await ReadMetricsAsync();
        while (!isThere(metrics) && Stopwatch.GetElapsedTime(start) < Patience)
        {
            await Task.Delay(10);
            metrics = await ReadMetricsAsync();
        }

        return metrics;
    }

    internal static async Task<PrometheusText> ReadAsync(HttpClient client)
    {
        using var response = await client.GetAsync("/metrics");
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK);
        response.Content.Headers.ContentType!.ToString().ShouldBe("text/plain; version=0.0.4; charset=utf-8");
        return PrometheusText.Parse(await response.Content.ReadAsStringAsync());
    }
}
