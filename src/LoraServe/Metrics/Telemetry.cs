using Microsoft.Extensions.Options;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace LoraServe.Metrics;

/// <summary>OpenTelemetry: sends the server's metrics and spans over OTLP if an endpoint is configured.</summary>
internal static partial class Telemetry
{
    // The SDK reads its variables from the configuration, except those of a single signal.
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string TracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    private const string MetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";

    // Polled every few seconds; tracing them is noise.
    private static readonly string[] Probes = ["/livez", "/readyz", "/health", "/ping", "/metrics"];

    /// <summary>Registers what can be exported, and exports it where an endpoint is set, for both signals or for one.</summary>
    /// <exception cref="OptionsValidationException">An endpoint in OpenTelemetry's variables is not a valid address.</exception>
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
            // Each combination of adapters would be a series of its own, forever.
            .AddView("vllm.lora_requests_info", MetricStreamConfiguration.Drop));

        if (builder.Configuration[$"{LoraServeOptions.Section}:{nameof(LoraServeOptions.OtlpEndpoint)}"] is { Length: > 0 } endpoint
            && IsEndpoint(endpoint))
        {
            builder.Configuration[Endpoint] = endpoint;
        }

        var (traces, metrics) = (Find(builder.Configuration, TracesEndpoint), Find(builder.Configuration, MetricsEndpoint));
        if (traces is null && metrics is null) return builder;
        // The operator's name for the service overrides its own.
        var telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource
            .AddService("loraserve", serviceVersion: ProcessMetrics.Version)
            .AddEnvironmentVariableDetector());
        if (traces is not null) telemetry.WithTracing(tracing => tracing.AddOtlpExporter(exporter => SendTo(exporter, traces)));
        if (metrics is not null) telemetry.WithMetrics(provider => provider.AddOtlpExporter(exporter => SendTo(exporter, metrics)));
        return builder;
    }

    /// <summary>Logs where metrics and traces go.</summary>
    public static void LogTelemetry(this WebApplication app)
    {
        if (Find(app.Configuration, TracesEndpoint) is { } traces) LogSent(app.Logger, "Traces", traces.ToString());
        if (Find(app.Configuration, MetricsEndpoint) is { } metrics) LogSent(app.Logger, "Metrics", metrics.ToString());
    }

    /// <summary>Whether telemetry can be sent to this address.</summary>
    public static bool IsEndpoint(string text) => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https";

    // A signal's own endpoint is used as it is; to the common one the SDK appends the signal's path, if the protocol has paths.
    private static void SendTo(OtlpExporterOptions exporter, SignalEndpoint endpoint)
    {
        if (endpoint.IsOfSignal) exporter.Endpoint = new Uri(endpoint.Address);
    }

    private static SignalEndpoint? Find(IConfiguration configuration, string signal)
    {
        foreach (var name in new[] { signal, Endpoint })
        {
            if (configuration[name] is not { Length: > 0 } address) continue;
            return IsEndpoint(address)
                ? new SignalEndpoint(address, IsOfSignal: name == signal)
                : throw new OptionsValidationException(
                    LoraServeOptions.Section, typeof(LoraServeOptions), [$"{name}: expected an address like http://localhost:4317, found '{address}'"]);
        }

        return null;
    }

    [LoggerMessage(LogLevel.Information, "{Signal} are sent over OTLP to {Endpoint}")]
    private static partial void LogSent(ILogger logger, string signal, string endpoint);

    private sealed record SignalEndpoint(string Address, bool IsOfSignal)
    {
        // An address may carry a password.
        public override string ToString() => new Uri(Address).GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
    }
}
