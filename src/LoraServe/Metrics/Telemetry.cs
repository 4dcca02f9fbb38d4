using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace LoraServe.Metrics;

/// <summary>OpenTelemetry: the server's meters and spans, sent over OTLP where somebody says whereto.</summary>
internal static class Telemetry
{
    // The SDK reads this and its other variables from the configuration.
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    // Asked every few seconds, and of no interest to anybody.
    private static readonly string[] Probes = ["/livez", "/readyz", "/health", "/ping", "/metrics"];

    /// <summary>Describes what there is to export, and exports it where an endpoint is set.</summary>
    public static WebApplicationBuilder AddTelemetry(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<MetricCollector>();
        builder.Services.AddSingleton<ServerMetrics>();
        builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing
            .AddSource(GenerationSpan.SourceName)
            .AddAspNetCoreInstrumentation(http => http.Filter = context => !Probes.Contains(context.Request.Path.Value)));
        builder.Services.ConfigureOpenTelemetryMeterProvider(metrics => metrics
            .AddMeter($"{MetricCollector.MeterPrefix}*", "Microsoft.AspNetCore.Hosting")
            .AddRuntimeInstrumentation()
            // Each combination of adapters would be a series that stays.
            .AddView("vllm.lora_requests_info", MetricStreamConfiguration.Drop));

        if (builder.Configuration[$"{LoraServeOptions.Section}:{nameof(LoraServeOptions.OtlpEndpoint)}"] is { Length: > 0 } endpoint)
            builder.Configuration[Endpoint] = endpoint;
        if (string.IsNullOrEmpty(builder.Configuration[Endpoint])) return builder;
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("loraserve", serviceVersion: ProcessMetrics.Version))
            .WithTracing(tracing => tracing.AddOtlpExporter())
            .WithMetrics(metrics => metrics.AddOtlpExporter());
        return builder;
    }
}
