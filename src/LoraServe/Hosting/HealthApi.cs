using System.Reflection;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Hosting;

/// <summary>The answer of a probe.</summary>
public sealed record HealthStatus
{
    /// <summary>alive, ready, loading, draining, overloaded or failed.</summary>
    /// <example>ready</example>
    public required string Status { get; init; }
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
        group.MapGet("/version", GetVersion);
        return routes;
    }

    /// <summary>Whether the process is alive. It is, from the start until the end.</summary>
    internal static Ok<HealthStatus> GetLiveness() => TypedResults.Ok(new HealthStatus { Status = "alive" });

    /// <summary>Whether requests are welcome: the model is loaded, the queue is not full, and the server is not about to stop.</summary>
    /// <response code="200">Requests are welcome.</response>
    /// <response code="503">Not now; the status says why.</response>
    internal static Results<Ok<HealthStatus>, JsonHttpResult<HealthStatus>> GetReadiness(EngineService engine, LoraServeOptions options)
    {
        var status = engine.State switch
        {
            EngineState.Ready => engine.Engine.Status.Waiting >= options.MaxQueuedSeqs ? "overloaded" : "ready",
            EngineState.Loading => "loading",
            EngineState.Draining => "draining",
            _ => "failed",
        };
        return status == "ready"
            ? TypedResults.Ok(new HealthStatus { Status = status })
            : TypedResults.Json(new HealthStatus { Status = status }, statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    /// <summary>The version of the server.</summary>
    internal static Ok<ServerVersion> GetVersion() => TypedResults.Ok(new ServerVersion
    {
        // Behind the plus sign follows the commit.
        Version = typeof(HealthApi).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0],
    });
}
