using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Hosting;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace LoraServe.Api.Adapters;

/// <summary>Sends an adapter as an archive that PEFT reads once it is unpacked, and that this server takes as an upload.</summary>
internal static class ArchiveDownload
{
    public const string TarGz = "tar.gz", Zip = "zip", TarGzType = "application/gzip", ZipType = "application/zip";

    /// <summary>Reads the query parameter format.</summary>
    /// <exception cref="InvalidRequestException">It is neither.</exception>
    public static ArchiveFormat Format(string format) => format switch
    {
        TarGz => ArchiveFormat.TarGz,
        Zip => ArchiveFormat.Zip,
        _ => throw new InvalidRequestException("format", $"expected {TarGz} or {Zip}"),
    };

    /// <summary>The answer; nothing of it is held in memory but what is on its way.</summary>
    /// <param name="context">Disposes the export when the request ends, however it does.</param>
    /// <param name="export">What is sent; its version is the entity tag.</param>
    /// <param name="format">The archive's.</param>
    public static PushStreamHttpResult Send(HttpContext context, AdapterExport export, ArchiveFormat format)
    {
        context.Response.RegisterForDispose(export);
        var isZip = format == ArchiveFormat.Zip;
        return TypedResults.Stream(
            body => context.WantsHeadersOnly() ? Task.CompletedTask : export.WriteAsync(format, body, context.RequestAborted),
            isZip ? ZipType : TarGzType,
            $"{FileName(export.Name)}-{export.Version.Short}.{(isZip ? Zip : TarGz)}",
            entityTag: new EntityTagHeaderValue($"\"{export.Version}\""));
    }

    /// <summary>Documents the answer.</summary>
    public static RouteHandlerBuilder ProducesArchive(this RouteHandlerBuilder route) => route
        .Produces<string>(StatusCodes.Status200OK, TarGzType, ZipType)
        .Produces(StatusCodes.Status304NotModified)
        .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
        .Produces<ErrorResponse>(StatusCodes.Status404NotFound);

    // Names of sums have commas, those of trained adapters colons, which not every file system takes.
    private static string FileName(string name) =>
        string.Concat(name.Take(64).Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-' ? letter : '-'));
}
