using System.Diagnostics;

namespace LoraServe.Tests.Metrics;

/// <summary>The demo with two places for running sequences: nobody else's requests count here.</summary>
public sealed class MetricsServer() : LoraServeServer(Settings(("MaxNumSeqs", "2"), ("MergedBytes", "0")))
{
    /// <summary>
    /// A client that hangs up when an answer is disposed: others read on for two seconds, in which a fast machine comes to the end.
    /// </summary>
    internal HttpClient CreateLeavingClient() => new(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = Client.BaseAddress };

    internal Task<PrometheusText> ReadMetricsAsync() => ReadAsync(Client);

    /// <summary>
    /// Reads until what happens soon after an answer is there. Where it never comes, the last reading, for the test to say what is missing.
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
