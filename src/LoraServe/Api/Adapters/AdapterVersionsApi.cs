using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using LoraServe.Text.Faults;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Adapters;

/// <summary>What a name points at: its versions, rollback, shares of earlier versions, and weighted sums under a name of their own.</summary>
internal static class AdapterVersionsApi
{
    private const int MaxLimit = 1000;

    public static IEndpointRouteBuilder MapAdapterVersions(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/adapters/{name}").WithTags("Adapters").RequireEngine();
        group.MapGet("/versions", ListVersions)
            .RequireScope(KeyScope.AdaptersRead)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapPost("/rollback", RollbackAsync)
            .RequireScope(KeyScope.AdaptersWrite)
            .WithJsonBody<RollbackRequest>(new JsonObject { ["version"] = "9f86d081" }, isRequired: false)
            .ProducesChangeErrors();
        group.MapPatch("", UpdateAsync)
            .RequireScope(KeyScope.AdaptersWrite)
            .WithJsonBody<AdapterSettings>(new JsonObject { ["pinned"] = true }).ProducesChangeErrors();
        group.MapPut("/mix", SaveMixAsync)
            .RequireScope(KeyScope.AdaptersWrite)
            .WithJsonBody<MixRequest>(new JsonObject
            {
                ["adapters"] = new JsonArray(
                    new JsonObject { ["name"] = "summarize", ["weight"] = 0.7 }, new JsonObject { ["name"] = "sentiment", ["weight"] = 0.3 }),
            })
            .ProducesChangeErrors();
        return routes;
    }

    /// <summary>The versions that a name has pointed at and can point at again, the newest first.</summary>
    /// <param name="name" example="support-replies">The adapter's name.</param>
    /// <response code="200">The versions.</response>
    /// <response code="400">A parameter is wrong.</response>
    /// <response code="404">No adapter has this name.</response>
    internal static Ok<AdapterVersionList> ListVersions(
        LlmEngine engine,
        AdapterAccess access,
        string name,
        [Description("Most versions to return."), Range(1, MaxLimit)] int limit = MaxLimit,
        [Description("Only versions older than this one.")] string? after = null)
    {
        PageLimit.Check(limit, MaxLimit);
        access.Check(name);
        var versions = engine.Adapters.Versions(name);
        if (after is not null)
        {
            var behind = versions.SkipWhile(version => version.Version.Value != after).ToList();
            if (behind.Count == 0)
                throw new InvalidRequestException("after", $"expected a version of '{name}', found '{FaultText.Shorten(after)}'");
            versions = behind[1..];
        }

        var page = Page.Of(versions, limit);
        return TypedResults.Ok(new AdapterVersionList { Data = [.. page.Items.Select(AdapterVersionResource.From)], HasMore = page.HasMore });
    }

    /// <summary>Point a name at an earlier version again.</summary>
    /// <remarks>
    /// Without a body, at the one before the current. Requests that run finish on the version they started with. Nothing is lost: the
    /// version that was current stays in the list.
    /// </remarks>
    /// <param name="name" example="support-replies">The adapter's name.</param>
    /// <response code="200">The name points at that version now.</response>
    /// <response code="400">The version's beginning fits several, or there is no earlier version.</response>
    /// <response code="404">No adapter has this name, or it has no such version.</response>
    /// <response code="409">The name comes from the server's folder of adapters.</response>
    internal static async Task<Ok<AdapterResource>> RollbackAsync(
        HttpContext context, LlmEngine engine, LoraServeOptions options, AuditLog audit, string name)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new RollbackRequest(), isRequired: false, context.RequestAborted);
        return Change(
            context, engine, audit, AuditAction.AdapterRolledBack, name, adapters => adapters.Rollback(name, request.Version), details: null);
    }

    /// <summary>Change how an adapter is served.</summary>
    /// <remarks>Fields that are absent stay as they are. All of it survives a restart.</remarks>
    /// <param name="name" example="support-replies">The adapter's name.</param>
    /// <response code="200">The adapter as it is served from now on.</response>
    /// <response code="400">A field is wrong.</response>
    /// <response code="404">No adapter has this name.</response>
    /// <response code="409">The change is one that only the operator can make.</response>
    internal static async Task<Ok<AdapterResource>> UpdateAsync(
        HttpContext context, LlmEngine engine, LoraServeOptions options, AuditLog audit, string name)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new AdapterSettings(), isRequired: true, context.RequestAborted);
        return Change(
            context, engine, audit, AuditAction.AdapterUpdated, name, adapters => adapters.Update(name, request.ToPatch()), request);
    }

    /// <summary>Save a weighted sum of adapters under a name.</summary>
    /// <remarks>
    /// Requests can then name it like any other adapter. Its parts may be sums themselves. It follows its parts: a part that is replaced
    /// is replaced in the sum too, unless the part names a version.
    /// </remarks>
    /// <param name="name" example="friendly-summaries">
    /// A letter or digit, then letters, digits, dots, underscores and dashes; at most 128 characters.
    /// </param>
    /// <response code="200">The name stands for this sum now.</response>
    /// <response code="400">A part is wrong, cannot be added exactly, or contains the sum itself.</response>
    /// <response code="404">A part does not exist.</response>
    /// <response code="409">The name belongs to an adapter that is no sum.</response>
    internal static async Task<Ok<AdapterResource>> SaveMixAsync(
        HttpContext context, LlmEngine engine, LoraServeOptions options, StorageQuota quota, AuditLog audit, string name)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        AdaptersApi.CheckName(engine.Model, name);
        var caller = context.User.Caller();
        caller.Access.CheckTarget(name);
        var request = await RequestReader.ReadAsync(context.Request, new MixRequest(), isRequired: true, context.RequestAborted);
        if (request.Adapters is not { } parts) throw new InvalidRequestException("adapters", "is required");
        caller.Access.Check(parts.Items);
        var (before, mix) = await quota.StoreMixAsync(
            caller, name, () => engine.Adapters.SaveMix(name, parts.Items), context.RequestAborted);
        audit.Record(caller, AuditAction.AdapterMixed, name, before?.Version, mix.Version, AuditLog.Details(request), context);
        return TypedResults.Ok(AdapterResource.From(mix, engine, caller.Access));
    }

    private static Ok<AdapterResource> Change(
        HttpContext context,
        LlmEngine engine,
        AuditLog audit,
        string action,
        string name,
        Func<AdapterManager, AdapterInfo> change,
        AdapterSettings? details)
    {
        var caller = context.User.Caller();
        caller.Access.Check(name);
        var before = engine.Adapters.Find(name)?.Version;
        var after = change(engine.Adapters);
        audit.Record(caller, action, name, before, after.Version, details is null ? null : AuditLog.Details(details), context);
        return TypedResults.Ok(AdapterResource.From(after, engine, caller.Access));
    }

    private static void ProducesChangeErrors(this RouteHandlerBuilder route) => route
        .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge)
        .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
        .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
        .Produces<ErrorResponse>(StatusCodes.Status409Conflict);
}
