using LoraServe.Hosting;
using LoraServe.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace LoraServe.Tests.Metrics;

/// <summary>Which variables and options turn exports on.</summary>
public class TelemetryEndpointTests
{
    private const string Endpoint = "http://localhost:1";

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", true, true)]
    [InlineData("LoraServe:OtlpEndpoint", true, true)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", true, false)]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", false, true)]
    [InlineData("OTEL_SERVICE_NAME", false, false)]
    public async Task AddTelemetry_EndpointOf_SendsItsSignals(string name, bool sendsTraces, bool sendsMetrics)
    {
        await using var app = Build((name, Endpoint));

        (app.Services.GetService<TracerProvider>() is not null).ShouldBe(sendsTraces);
        (app.Services.GetService<MeterProvider>() is not null).ShouldBe(sendsMetrics);
    }

    [Theory]
    [InlineData("OTEL_SERVICE_NAME", "mine", "mine")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "service.name=mine", "mine")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "team=us", "loraserve")]
    public async Task AddTelemetry_NameOfTheService_IsTheOperators(string variable, string value, string expected)
    {
        await using var app = Build(("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Endpoint), (variable, value));

        app.Services.GetRequiredService<TracerProvider>().GetResource().Attributes.ToDictionary()["service.name"].ShouldBe(expected);
    }

    [Theory]
    [InlineData("localhost:4317")]
    [InlineData("/v1/traces")]
    [InlineData("ftp://localhost")]
    public void AddTelemetry_NoAddress_IsRefused(string endpoint)
    {
        Should.Throw<OptionsValidationException>(() => Build(("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)))
            .Message.ShouldContain($"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: expected an address like http://localhost:4317, found '{endpoint}'");
        Should.Throw<OptionsValidationException>(() => OptionsReader.Read(new ConfigurationBuilder().AddInMemoryCollection([new("LoraServe:OtlpEndpoint", endpoint)]).Build()))
            .Message.ShouldContain($"--otlp-endpoint (or LoraServe__OtlpEndpoint): expected an address like http://localhost:4317, found '{endpoint}'");
    }

    private static WebApplication Build(params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(setting => setting.Name, setting => (string?)setting.Value));
        builder.AddTelemetry();
        return builder.Build();
    }
}
