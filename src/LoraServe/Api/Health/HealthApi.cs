using System.Text.Json.Serialization;
using LoraServe.Generation;
using LoraServe.Hosting;
using LoraServe.Metrics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Health;

/// <summary>The answer of a probe.</summary>
public sealed record HealthStatus
{
    /// <summary>alive, ready, loading, draining, overloaded or failed.</summary>
    /// <example>ready</example>
    public required string Status { get; init; }
}

/// <summary>How much there is to do.</summary>
public sealed record ServerLoad
{
    /// <summary>
    /// Sequences that run, wait, or are on their way to the engine, for instance while their adapter is loaded. A request has one for each
    /// prompt and choice.
    /// </summary>
    /// <example>3</example>
    [JsonPropertyName("server_load")]
    public required int Sequences { get; init; }
}

/// <summary>Which server this is.</summary>
public sealed record ServerVersion
{
    /// <summary>The version of LoraServe.</summary>
    /// <example>0.1.0</example>
    public required string Version { get; init; }
}

/// <summary>Probes for orchestrators and containers.</summary>
internal static class HealthApi
{
    public static IEndpointRouteBuilder MapHealth(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Health").AllowAnonymous();
        group.MapGet("/livez", GetLiveness);
        group.MapGet("/readyz", GetReadiness).Produces<HealthStatus>(StatusCodes.Status503ServiceUnavailable);
        group.MapGet("/health", GetHealth).ProducesHealth();
        group.MapGet("/ping", GetHealth).ProducesHealth();
        group.MapPost("/ping", GetHealth).ProducesHealth();
        group.MapGet("/load", GetLoad).Produces<ErrorResponse>(StatusCodes.Status503ServiceUnavailable);
        group.MapGet("/version", GetVersion);
        return routes;
    }

    /// <summary>Whether the process is alive. It is, from the start until the end.</summary>
    internal static Ok<HealthStatus> GetLiveness() => TypedResults.Ok(new HealthStatus { Status = "alive" });

    /// <summary>Whether requests are welcome: the model is loaded, the queue is not full, and the server is not about to stop.</summary>
    /// <response code="200">Requests are welcome.</response>
    /// <response code="503">Not now; the status says why.</response>
    internal static Results<Ok<HealthStatus>, JsonHttpResult<HealthStatus>> GetReadiness(
        EngineService service, ArrivingSequences arriving, LoraServeOptions options)
    {
        var status = service.State switch
        {
            EngineState.Ready => service.Engine.Status.Queued + arriving.Count >= options.MaxQueuedSeqs ? "overloaded" : "ready",
            EngineState.Loading => "loading",
            EngineState.Draining => "draining",
            _ => "failed",
        };
        return status == "ready"
            ? TypedResults.Ok(new HealthStatus { Status = status })
            : TypedResults.Json(new HealthStatus { Status = status }, statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    /// <summary>Whether the engine runs, for tools that expect vLLM: as /readyz, and a full queue does not matter.</summary>
    /// <response code="200">It does; without a body.</response>
    /// <response code="503">The model is loading or could not be loaded, or the server is stopping.</response>
    internal static Ok GetHealth(EngineService service)
    {
        service.CheckReady();
        return TypedResults.Ok();
    }

    /// <summary>How much there is to do, for routers that choose the server with the least.</summary>
    /// <response code="200">Now.</response>
    /// <response code="503">The model is loading or could not be loaded, or the server is stopping.</response>
    internal static Ok<ServerLoad> GetLoad(EngineService service, ArrivingSequences arriving)
    {
        var status = service.Engine.Status;
        return TypedResults.Ok(new ServerLoad { Sequences = status.Running + status.Queued + arriving.Count });
    }

    /// <summary>The version of the server.</summary>
    internal static Ok<ServerVersion> GetVersion() => TypedResults.Ok(new ServerVersion { Version = ProcessMetrics.Version });

    private static RouteHandlerBuilder ProducesHealth(this RouteHandlerBuilder route) => route
        .Produces(StatusCodes.Status200OK)
        .Produces<ErrorResponse>(StatusCodes.Status503ServiceUnavailable);
}
