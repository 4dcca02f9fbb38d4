using LoraServe.Audit;
using LoraServe.Engine;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Adapters;

/// <summary>Merging by hand, for people who want to decide.</summary>
internal static class AdapterMergeApi
{
    public static IEndpointRouteBuilder MapAdapterMerge(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/adapters/{name}").WithTags("Adapters").RequireScope(KeyScope.AdaptersWrite).RequireEngine();
        group.MapPost("/merge", MergeAsync)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
            .Produces<ErrorResponse>(StatusCodes.Status503ServiceUnavailable);
        group.MapPost("/unmerge", UnmergeAsync)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status403Forbidden)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        return routes;
    }

    /// <summary>Merge an adapter into weights beside the base, and keep it merged until it is unmerged.</summary>
    /// <remarks>The base itself is never written. The answer comes when the merged weights are there.</remarks>
    /// <param name="name" example="summarize">The adapter's name, or name@version.</param>
    /// <response code="200">It is merged.</response>
    /// <response code="400">The version's beginning fits several.</response>
    /// <response code="404">No adapter has this name.</response>
    /// <response code="503">There is no room for its merged weights beside those that are in use.</response>
    internal static async Task<Ok<MergeResource>> MergeAsync(
        HttpContext context, LlmEngine engine, Caller caller, AuditLog audit, string name)
    {
        using var lease = await engine.Adapters.AcquireCurrentAsync(caller.Access.Parse(name), context.RequestAborted);
        await engine.MergeAsync(lease, context.RequestAborted);
        audit.Record(caller, AuditAction.AdapterMerged, name, lease.Version, lease.Version, context: context);
        return TypedResults.Ok(MergeResource.From(engine.ExplainMerge(lease.Version)));
    }

    /// <summary>Drop an adapter's merged weights; its requests run beside the base again, exactly as before.</summary>
    /// <param name="name" example="summarize">The adapter's name, or name@version.</param>
    /// <response code="200">It is not merged, or will not be as soon as requests that asked for merged weights have finished.</response>
    /// <response code="400">The version's beginning fits several.</response>
    /// <response code="403">The weights also serve an adapter of equal content that the key may not change.</response>
    /// <response code="404">No adapter has this name.</response>
    internal static async Task<Ok<MergeResource>> UnmergeAsync(
        HttpContext context, LlmEngine engine, Caller caller, AuditLog audit, string name)
    {
        var version = engine.Adapters.VersionOf(caller.Access.Parse(name));
        CheckOwn(engine.Adapters, caller, version);
        await engine.UnmergeAsync(version);
        audit.Record(caller, AuditAction.AdapterUnmerged, name, version, version, context: context);
        return TypedResults.Ok(MergeResource.From(engine.ExplainMerge(version)));
    }

    // Merged weights belong to a content, and others may have uploaded the same.
    private static void CheckOwn(AdapterManager adapters, Caller caller, AdapterVersionId version)
    {
        if (adapters.List().Where(adapter => !caller.Access.Allows(adapter.Name)).Any(HasVersion))
        {
            throw new PermissionException(
                "An adapter of equal content that the API key may not change is served by the same merged weights.", "merge_shared");
        }

        bool HasVersion(AdapterInfo adapter) =>
            adapter.Version == version || adapters.Versions(adapter.Name).Any(other => other.Version == version);
    }
}
