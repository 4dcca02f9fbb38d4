using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Files;
using LoraServe.Keys;
using LoraServe.Text.Faults;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Files;

/// <summary>Files of examples: upload, list, look at, read, delete. OpenAI's API.</summary>
internal static class FilesApi
{
    private const int MaxLimit = 10_000;

    public static IEndpointRouteBuilder MapFiles(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/files").WithTags("Files").RequireScope(KeyScope.Train);
        group.MapPost("", UploadAsync)
            .WithFileForm()
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge);
        group.MapGet("", List)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapGet("/{id}", Get).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapGet("/{id}/content", GetContent)
            .Produces<string>(StatusCodes.Status200OK, "application/octet-stream")
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapDelete("/{id}", Delete).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        return routes;
    }

    /// <summary>Upload a file of examples.</summary>
    /// <remarks>
    /// A multipart form with the parts purpose and file, a JSONL file whose lines are {"prompt", "completion"} or {"messages": [...]}. Its
    /// lines are read at once: where some cannot be trained on, the file has the status error, and status_details has every fault. It may
    /// go by itself after expires_after[seconds].
    /// </remarks>
    /// <response code="200">The file is stored; its status says whether it can be used.</response>
    /// <response code="400">The form is broken or lacks a part.</response>
    /// <response code="413">Larger than --max-training-file-size.</response>
    internal static async Task<Ok<FileResource>> UploadAsync(HttpContext context, FileUploads uploads, AuditLog audit, Caller caller)
    {
        var file = await uploads.StoreAsync(context, caller);
        var details = new JsonObject { ["filename"] = file.Name, ["bytes"] = file.Bytes };
        audit.Record(caller, AuditAction.FileCreated, file.Id, details: details, context: context);
        return TypedResults.Ok(FileResource.From(file));
    }

    /// <summary>The caller's files, the newest first; admin sees those of all.</summary>
    /// <response code="200">The files.</response>
    /// <response code="400">A parameter is wrong.</response>
    /// <response code="404">There is no file of the id in after.</response>
    internal static Ok<FileList> List(
        FileStore files,
        Caller caller,
        [Description("Only files of this purpose: fine-tune, evals or fine-tune-results.")] string? purpose = null,
        [Description("Most files to return."), Range(1, MaxLimit)] int limit = MaxLimit,
        [Description("desc: the newest first; asc: the oldest first.")] string order = "desc",
        [Description("Only files behind the one with this id.")] string? after = null)
    {
        PageLimit.Check(limit, MaxLimit);
        if (order is not ("asc" or "desc")) throw new InvalidRequestException("order", $"expected asc or desc, found '{FaultText.Shorten(order)}'");
        var page = files.List(caller, purpose, after, limit, isOldestFirst: order == "asc");
        return TypedResults.Ok(new FileList { Data = [.. page.Items.Select(FileResource.From)], HasMore = page.HasMore });
    }

    /// <summary>One file.</summary>
    /// <param name="id" example="file-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The file.</response>
    /// <response code="404">The caller has no such file.</response>
    internal static Ok<FileResource> Get(FileStore files, Caller caller, string id) =>
        TypedResults.Ok(FileResource.From(files.Get(id, caller)));

    /// <summary>What is in a file.</summary>
    /// <param name="id" example="file-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The content as it was uploaded.</response>
    /// <response code="404">The caller has no such file.</response>
    internal static FileStreamHttpResult GetContent(FileStore files, Caller caller, string id)
    {
        var file = files.Get(id, caller);
        return TypedResults.Stream(files.Open(file), "application/octet-stream", file.Name);
    }

    /// <summary>Delete a file. Jobs that use it are not disturbed: they have copies.</summary>
    /// <param name="id" example="file-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">It is gone.</response>
    /// <response code="404">The caller has no such file.</response>
    internal static Ok<DeletedFile> Delete(HttpContext context, FileStore files, AuditLog audit, Caller caller, string id)
    {
        var file = files.Get(id, caller);
        files.Delete(file);
        audit.Record(caller, AuditAction.FileDeleted, id, details: new JsonObject { ["filename"] = file.Name }, context: context);
        return TypedResults.Ok(new DeletedFile { Id = id });
    }
}
