using LoraServe.Keys;
using LoraServe.Metrics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Metrics;

/// <summary>GET /metrics.</summary>
internal static class MetricsApi
{
    public static IEndpointRouteBuilder MapMetrics(this IEndpointRouteBuilder routes)
    {
        var isOpen = routes.ServiceProvider.GetRequiredService<LoraServeOptions>().AllowAnonymousMetrics;
        var route = isOpen ? routes.MapGet("/metrics", GetOpen).AllowAnonymous() : routes.MapGet("/metrics", Get).RequireScope(KeyScope.AdaptersRead);
        route.WithTags("Health").Produces<string>(StatusCodes.Status200OK, "text/plain");
        return routes;
    }

    /// <summary>What the server does, for Prometheus.</summary>
    /// <remarks>
    /// Prometheus' text format 0.0.4. Names that begin with vllm: are those of vLLM with its labels, as the Gateway API Inference Extension and
    /// dashboards for vLLM read them; those that begin with loraserve_ tell adapters apart.
    /// </remarks>
    /// <response code="200">Every metric.</response>
    /// <response code="403">The key does not allow every adapter.</response>
    internal static ContentHttpResult Get(MetricCollector metrics, AdapterAccess access) => access.AllowsEverything
        ? GetOpen(metrics)
        : throw new PermissionException("Metrics name every adapter: they need a key that may use all of them.", "adapters_not_allowed");

    // Gateways that choose by metrics, and many scrapers, have no way to send a key.
    private static ContentHttpResult GetOpen(MetricCollector metrics) => TypedResults.Text(metrics.Write(), PrometheusWriter.ContentType);
}
