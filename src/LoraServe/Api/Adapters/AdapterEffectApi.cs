using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Adapters;

/// <summary>What an adapter does to the base, and a smaller one that does nearly the same.</summary>
internal static class AdapterEffectApi
{
    public static IEndpointRouteBuilder MapAdapterEffect(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/adapters/{name}").WithTags("Adapters").RequireEngine();
        group.MapGet("/effect", GetEffectAsync)
            .RequireScope(KeyScope.AdaptersRead)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapPost("/truncate", TruncateAsync)
            .RequireScope(KeyScope.AdaptersWrite)
            .WithJsonBody<TruncateRequest>(new JsonObject { ["rank"] = 4 })
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
            .Produces<ErrorResponse>(StatusCodes.Status409Conflict);
        return routes;
    }

    /// <summary>How strong an adapter is, in how few directions it acts, and how far it moves the next token.</summary>
    /// <param name="name" example="summarize">The adapter's name, or name@version.</param>
    /// <response code="200">The report.</response>
    /// <response code="400">A saved sum has no report of its own.</response>
    /// <response code="404">No adapter has this name.</response>
    internal static async Task<Ok<AdapterEffectResource>> GetEffectAsync(
        HttpContext context, LlmEngine engine, AdapterAccess access, string name) =>
        TypedResults.Ok(AdapterEffectResource.From(await engine.EffectAsync(access.Parse(name), context.RequestAborted)));

    /// <summary>Make a version of a lower rank from an adapter, by the best approximation of each of its updates.</summary>
    /// <remarks>
    /// The new version takes the name, and the one before it stays in the name's versions: rollback undoes it. With as, it gets a name of
    /// its own instead.
    /// </remarks>
    /// <param name="name" example="summarize">The adapter's name, or name@version.</param>
    /// <response code="200">The new version, and how much of the adapter it keeps.</response>
    /// <response code="400">The rank is not below the adapter's own.</response>
    /// <response code="404">No adapter has this name.</response>
    /// <response code="409">The name comes from the server's folder of adapters; use as.</response>
    internal static async Task<Ok<TruncatedAdapter>> TruncateAsync(
        HttpContext context, LlmEngine engine, LoraServeOptions options, StorageQuota quota, AuditLog audit, string name)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new TruncateRequest(), isRequired: true, context.RequestAborted);
        if (request.Rank is not { } rank) throw new InvalidRequestException("rank", "is required");
        var target = request.As ?? name.Split('@')[0];
        AdaptersApi.CheckName(engine.Model, target);
        var (caller, cancellation) = (context.User.Caller(), context.RequestAborted);
        var source = caller.Access.Parse(name);
        caller.Access.CheckTarget(target);
        quota.Check(caller, target, engine.Adapters.MostTruncatedBytes(source));
        using var truncated = await engine.Adapters.TruncateAsync(source, rank, target, cancellation);
        var (before, adapter) = await quota.StoreAsync(
            caller, truncated.Adapter.Info, () => engine.Adapters.StoreAsync(truncated.Adapter, cancellation), cancellation);
        audit.Record(
            caller, AuditAction.AdapterTruncated, target, before?.Version, adapter.Version,
            new JsonObject { ["rank"] = rank, ["of"] = name }, context);
        return TypedResults.Ok(new TruncatedAdapter
        {
            Adapter = AdapterResource.From(adapter, engine, caller.Access),
            EnergyKept = truncated.Truncation.EnergyKept,
            Modules = [.. truncated.Truncation.Modules.Select(TruncatedModuleResource.From)],
        });
    }
}

/// <summary>The rank that is wanted.</summary>
public sealed record TruncateRequest
{
    /// <summary>The highest rank of the new version, below that of the adapter.</summary>
    /// <example>4</example>
    [Required, Range(1, 4096)]
    public int? Rank { get; init; }

    /// <summary>A name for the new version; absent: the adapter's own.</summary>
    /// <example>summarize-small</example>
    public string? As { get; init; }
}

/// <summary>A version of a lower rank.</summary>
public sealed record TruncatedAdapter
{
    /// <summary>The new version under its name.</summary>
    public required AdapterResource Adapter { get; init; }

    /// <summary>The part, 0 to 1, of the sum of all squared singular values that is kept.</summary>
    /// <example>0.98</example>
    public required double EnergyKept { get; init; }

    /// <summary>The same for each module.</summary>
    public required IReadOnlyList<TruncatedModuleResource> Modules { get; init; }
}

/// <summary>What a truncation left of one module's update.</summary>
public sealed record TruncatedModuleResource
{
    /// <summary>The module.</summary>
    /// <example>model.layers.0.self_attn.q_proj</example>
    public required string Path { get; init; }

    /// <summary>Its rank now.</summary>
    /// <example>4</example>
    public required int Rank { get; init; }

    /// <summary>The part of its energy that is kept, 0 to 1.</summary>
    /// <example>0.98</example>
    public required double EnergyKept { get; init; }

    internal static TruncatedModuleResource From(TruncatedModule module) =>
        new() { Path = module.Path, Rank = module.Rank, EnergyKept = module.EnergyKept };
}
