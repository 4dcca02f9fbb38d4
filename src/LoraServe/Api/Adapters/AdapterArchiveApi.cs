using System.ComponentModel;
using LoraServe.Api.Requests;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Adapters;

/// <summary>GET /v1/adapters/{name}/archive: adapters as they can be taken elsewhere.</summary>
internal static class AdapterArchiveApi
{
    public static IEndpointRouteBuilder MapAdapterArchive(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/adapters/{name}/archive", GetAsync)
            .WithTags("Adapters")
            .RequireScope(KeyScope.AdaptersRead)
            .RequireEngine()
            .ProducesArchive()
            .Produces<ErrorResponse>(StatusCodes.Status403Forbidden)
            .Produces<ErrorResponse>(StatusCodes.Status429TooManyRequests);
        return routes;
    }

    /// <summary>Take an adapter away, as PEFT reads it.</summary>
    /// <remarks>
    /// An adapter's files come as they were uploaded or made, chat templates included: uploading the archive gives the same version again. A
    /// saved sum becomes one adapter, its parts' ranks concatenated and their weights folded in, as it is served. An archive that has begun
    /// is sent to its end, whatever becomes of the adapter meanwhile.
    /// </remarks>
    /// <param name="name" example="summarize">The adapter's name, or name@version.</param>
    /// <response code="200">The archive, its files at the top. Its ETag is the version.</response>
    /// <response code="304">If-None-Match names the version already.</response>
    /// <response code="400">A parameter is wrong, or the sum cannot be one adapter.</response>
    /// <response code="403">The sum has parts that the caller's key may not see.</response>
    /// <response code="404">No adapter has this name, or it has no such version.</response>
    /// <response code="429">Too many sums are being downloaded.</response>
    internal static async Task<PushStreamHttpResult> GetAsync(
        HttpContext context,
        LlmEngine engine,
        AdapterAccess access,
        string name,
        [Description("The beginning of a version of the adapter; absent: the current one.")] string? version = null,
        [Description("tar.gz or zip.")] string format = ArchiveDownload.TarGz)
    {
        var packing = ArchiveDownload.Format(format);
        if (version is not null && name.Contains('@')) throw new InvalidRequestException("version", "the name has a version already");
        var reference = access.Parse(version is null ? name : $"{name}@{version}");
        var adapters = engine.Adapters;
        // To be asked is one thing; to be carried away with what the caller may not even see is another.
        if (!adapters.NamesBehind(reference).All(access.Allows))
            throw new PermissionException("The mix has parts that the API key may not see: it cannot be taken away.", "parts_not_allowed");
        return ArchiveDownload.Send(context, await adapters.ExportAsync(reference, context.RequestAborted), packing);
    }
}
