using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Keys;
using LoraServe.Text.Faults;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Audit;

/// <summary>Who changed what.</summary>
internal static class AuditApi
{
    private const int MaxLimit = 1000;

    public static IEndpointRouteBuilder MapAudit(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/audit", List)
            .WithTags("Keys").RequireScope(KeyScope.Admin).RequireKey().Produces<ErrorResponse>(StatusCodes.Status400BadRequest);
        return routes;
    }

    /// <summary>Every change of adapters, files, jobs and keys, the newest first.</summary>
    /// <response code="200">The changes.</response>
    /// <response code="400">A parameter is wrong.</response>
    internal static Ok<AuditList> List(
        AuditLog audit,
        [Description("Most changes to return."), Range(1, MaxLimit)] int limit = 100,
        [Description("Only changes older than the one with this id.")] string? after = null)
    {
        PageLimit.Check(limit, MaxLimit);
        long? before = after is null ? null : AuditId.TryParse(after)
            ?? throw new InvalidRequestException("after", $"expected the id of a change, such as audit-42, found '{FaultText.Shorten(after)}'");
        var rows = audit.List(before, limit + 1);
        return TypedResults.Ok(new AuditList { Data = [.. rows.Take(limit).Select(AuditEntry.From)], HasMore = rows.Count > limit });
    }
}
