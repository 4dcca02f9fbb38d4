using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Keys;
using LoraServe.Text.Faults;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Keys;

/// <summary>API keys: make, list, look at, revoke.</summary>
internal static class KeysApi
{
    private const int MaxLimit = 1000;

    public static IEndpointRouteBuilder MapKeys(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/keys").WithTags("Keys").RequireScope(KeyScope.Admin).RequireKey();
        group.MapPost("", CreateAsync)
            .WithJsonBody<KeyRequest>(new JsonObject
            {
                ["name"] = "support team",
                ["scopes"] = new JsonArray("infer", "adapters:read"),
                ["adapters"] = new JsonArray("support-*"),
                ["requests_per_minute"] = 60,
            })
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge);
        group.MapGet("", List)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapGet("/{id}", Get).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapDelete("/{id}", Revoke).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        return routes;
    }

    /// <summary>Make a key.</summary>
    /// <remarks>
    /// The answer is the only place where its text is ever shown. From the first key on, every request needs one.
    /// </remarks>
    /// <response code="201">The key, with its text.</response>
    /// <response code="400">A field is wrong.</response>
    /// <response code="413">The body is too large.</response>
    internal static async Task<Created<KeyResource>> CreateAsync(
        HttpContext context, KeyRing keys, AuditLog audit, Caller caller, LoraServeOptions options)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new KeyRequest(), isRequired: true, context.RequestAborted);
        var (key, text) = keys.Create(request.ToNewKey);
        audit.Record(caller, AuditAction.KeyCreated, key.Id, details: KeyResource.DescribeGrant(key), context: context);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created(context.Request.PathBase + $"/v1/keys/{key.Id}", KeyResource.From(key, text));
    }

    /// <summary>All keys, the newest first, revoked ones included.</summary>
    /// <response code="200">The keys.</response>
    /// <response code="400">A parameter is wrong.</response>
    /// <response code="404">There is no key of the id in after.</response>
    internal static Ok<KeyList> List(
        KeyRing keys,
        [Description("Most keys to return."), Range(1, MaxLimit)] int limit = MaxLimit,
        [Description("Only keys older than the one with this id.")] string? after = null)
    {
        PageLimit.Check(limit, MaxLimit);
        var all = keys.List();
        if (after is not null)
        {
            if (keys.Find(after) is null) throw new UnknownKeyException(FaultText.Shorten(after));
            all = [.. all.SkipWhile(key => key.Id != after).Skip(1)];
        }

        var page = Page.Of(all, limit);
        return TypedResults.Ok(new KeyList { Data = [.. page.Items.Select(key => KeyResource.From(key))], HasMore = page.HasMore });
    }

    /// <summary>One key.</summary>
    /// <param name="id" example="3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The key, without its text.</response>
    /// <response code="404">No key has this id.</response>
    internal static Ok<KeyResource> Get(KeyRing keys, string id) =>
        TypedResults.Ok(KeyResource.From(keys.Find(id) ?? throw new UnknownKeyException(id)));

    /// <summary>Revoke a key, at once and for good. It stays in the list.</summary>
    /// <param name="id" example="3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The key, which is refused from now on.</response>
    /// <response code="404">No key has this id.</response>
    internal static Ok<KeyResource> Revoke(HttpContext context, KeyRing keys, AuditLog audit, Caller caller, string id)
    {
        var key = keys.Revoke(id, out var isChange) ?? throw new UnknownKeyException(id);
        if (isChange)
            audit.Record(caller, AuditAction.KeyRevoked, id, details: new JsonObject { ["name"] = key.Grant.Name }, context: context);
        return TypedResults.Ok(KeyResource.From(key));
    }
}
