using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace LoraServe.Tests.Metrics;

/// <summary>What OpenTelemetry exports.</summary>
public class TelemetryTests(TelemetryTests.ExportingServer server) : IClassFixture<TelemetryTests.ExportingServer>
{
    [Fact]
    public async Task Post_WithATraceOfTheCaller_IsASpanOfItWithPhases()
    {
        var trace = ActivityTraceId.CreateRandom();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions?adapter=sql")
        {
            Content = JsonContent.Create(new { prompt = "Which products cost less than 59 euros?", max_tokens = 4, temperature = 0, seed = 7, stop = "~", ignore_eos = true, n = 2 }),
        };
        request.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01");
        using var response = await server.Client.SendAsync(request);
        response.EnsureSuccessStatusCode();

        await LoraServeServer.EventuallyAsync(() => server.SpansOf(trace).Any(span => span.Kind == ActivityKind.Server));
        var spans = server.SpansOf(trace);

        var http = spans.Single(span => span.Kind == ActivityKind.Server);
        http.ParentSpanId.ToString().ShouldBe("00f067aa0ba902b7");
        var generation = spans.Single(span => span.DisplayName == "text_completion sql");
        generation.ParentSpanId.ShouldBe(http.SpanId);
        generation.GetTagItem("gen_ai.operation.name").ShouldBe("text_completion");
        generation.GetTagItem("gen_ai.provider.name").ShouldBe("loraserve");
        generation.GetTagItem("gen_ai.request.model").ShouldBe("sql");
        generation.GetTagItem("gen_ai.response.model").ShouldBe("loraserve-demo");
        generation.GetTagItem("gen_ai.request.max_tokens").ShouldBe(4);
        generation.GetTagItem("gen_ai.request.temperature").ShouldBe(0.0);
        generation.GetTagItem("gen_ai.request.seed").ShouldBe(7L);
        generation.GetTagItem("gen_ai.request.choice.count").ShouldBe(2);
        generation.GetTagItem("gen_ai.request.stop_sequences").ShouldBe(new[] { "~" });
        generation.GetTagItem("gen_ai.response.finish_reasons").ShouldBe(new[] { "length", "length" });
        generation.GetTagItem("gen_ai.usage.input_tokens").ShouldBe(12);
        generation.GetTagItem("gen_ai.usage.output_tokens").ShouldBe(8);
        generation.GetTagItem("loraserve.adapter.name").ShouldBe("sql");
        generation.GetTagItem("loraserve.adapter.version").ShouldBe("7a34dff778dd");
        generation.Status.ShouldNotBe(ActivityStatusCode.Error);
        foreach (var name in new[] { "queue", "prefill", "decode" })
        {
            var phases = spans.Where(span => span.DisplayName == name).ToList();
            phases.Select(phase => phase.GetTagItem("loraserve.choice.index")).ShouldBe([0, 1], ignoreOrder: true);
            phases.ShouldAllBe(phase => phase.ParentSpanId == generation.SpanId);
        }

        spans.SelectMany(span => span.TagObjects).ShouldAllBe(tag => !$"{tag.Value}".Contains("euros"));
    }

    [Fact]
    public async Task Post_UnknownAdapter_IsAFailedSpan()
    {
        var trace = ActivityTraceId.CreateRandom();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(new { model = "nobody", prompt = "a" }) };
        request.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01");
        using var response = await server.Client.SendAsync(request);

        await LoraServeServer.EventuallyAsync(() => server.SpansOf(trace).Count == 2);
        var generation = server.SpansOf(trace).Single(span => span.Kind != ActivityKind.Server);
        generation.Status.ShouldBe(ActivityStatusCode.Error);
        generation.GetTagItem("error.type").ShouldBe("UnknownAdapterException");
        generation.GetTagItem("gen_ai.operation.name").ShouldBe("text_completion");
        generation.GetTagItem("gen_ai.provider.name").ShouldBe("loraserve");
    }

    [Fact]
    public async Task Export_AfterARequest_HasTheMetricsOfTheConventionsWithTheirBuckets()
    {
        await server.CompleteAsync(new { model = "summarize", prompt = "Hello", max_tokens = 3, ignore_eos = true });

        var metrics = server.Collect();

        var duration = metrics["gen_ai.server.request.duration"];
        duration.Unit.ShouldBe("s");
        Limits(duration).ShouldBe([.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, double.PositiveInfinity]);
        Limits(metrics["gen_ai.server.time_to_first_token"]).ShouldBe([.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, double.PositiveInfinity]);
        Limits(metrics["gen_ai.server.time_per_output_token"]).ShouldBe([.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, double.PositiveInfinity]);
        Tags(metrics["gen_ai.client.token.usage"]).ShouldContain(tags => tags["gen_ai.token.type"] == "output" && tags["gen_ai.request.model"] == "summarize");
        Tags(duration).ShouldContain(tags => tags["gen_ai.operation.name"] == "text_completion" && tags["gen_ai.provider.name"] == "loraserve" && tags["gen_ai.response.model"] == "loraserve-demo");
        metrics.Keys.ShouldContain("vllm.num_requests_running");
        metrics.Keys.ShouldContain("loraserve.requests");
        metrics.Keys.ShouldNotContain("vllm.lora_requests_info");
    }

    private static List<double> Limits(Metric metric)
    {
        var limits = new List<double>();
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            limits.Clear();
            foreach (var bucket in point.GetHistogramBuckets()) limits.Add(bucket.ExplicitBound);
        }

        return limits;
    }

    private static List<Dictionary<string, string?>> Tags(Metric metric)
    {
        var all = new List<Dictionary<string, string?>>();
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            var tags = new Dictionary<string, string?>();
            foreach (var (name, value) in point.Tags) tags[name] = value?.ToString();
            all.Add(tags);
        }

        return all;
    }

    /// <summary>A server that exports into memory what it would send to an endpoint.</summary>
    public sealed class ExportingServer() : LoraServeServer(Settings(("MergedBytes", "0")))
    {
        private readonly List<Metric> _metrics = [];
        private readonly ConcurrentQueue<Activity> _spans = new();

        internal IReadOnlyList<Activity> SpansOf(ActivityTraceId trace) => [.. _spans.Where(span => span.TraceId == trace)];

        internal IReadOnlyDictionary<string, Metric> Collect()
        {
            _metrics.Clear();
            Services.GetRequiredService<MeterProvider>().ForceFlush();
            return _metrics.GroupBy(metric => metric.Name).ToDictionary(group => group.Key, group => group.Last());
        }

        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            base.ConfigureWebHost(builder);
            builder.ConfigureServices(services => services.AddOpenTelemetry()
                .WithTracing(tracing => tracing.AddProcessor(new SimpleActivityExportProcessor(new Exporter(_spans))))
                .WithMetrics(metrics => metrics.AddInMemoryExporter(_metrics)));
        }

        // OpenTelemetry's in-memory exporter fills a list that is not safe to read at the same time.
        private sealed class Exporter(ConcurrentQueue<Activity> spans) : BaseExporter<Activity>
        {
            public override ExportResult Export(in Batch<Activity> batch)
            {
                foreach (var span in batch) spans.Enqueue(span);
                return ExportResult.Success;
            }
        }
    }
}
