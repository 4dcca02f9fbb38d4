using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Api.Requests.Fields;
using LoraServe.Audit;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Adapters;

/// <summary>Adapters of the server's own disk, as vLLM loads and unloads them.</summary>
internal static class LoraAdaptersApi
{
    private static JsonObject LoadExample => new() { ["lora_name"] = "support-replies", ["lora_path"] = "support-replies" };

    private static JsonObject UnloadExample => new() { ["lora_name"] = "support-replies" };

    public static IEndpointRouteBuilder MapLoraAdapters(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1").WithTags("Adapters").RequireScope(KeyScope.AdaptersWrite).RequireEngine();
        group.MapPost("/load_lora_adapter", LoadAsync)
            .WithJsonBody<LoadLoraAdapterRequest>(LoadExample)
            .Produces<string>(StatusCodes.Status200OK, "text/plain")
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status409Conflict)
            .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge)
            .Produces<ErrorResponse>(StatusCodes.Status422UnprocessableEntity);
        group.MapPost("/unload_lora_adapter", UnloadAsync)
            .WithJsonBody<UnloadLoraAdapterRequest>(UnloadExample)
            .Produces<string>(StatusCodes.Status200OK, "text/plain")
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
            .Produces<ErrorResponse>(StatusCodes.Status409Conflict);
        return routes;
    }

    /// <summary>Load an adapter from a folder of the server's machine.</summary>
    /// <remarks>
    /// For tools that expect vLLM. Only folders below the one that the operator names (--lora-path-root, else --adapters) can be read, symbolic
    /// links included. The files are checked and copied as an upload's would be, so the adapter survives a restart. A folder may be anybody's:
    /// a key that is restricted to some adapters may not load any.
    /// </remarks>
    /// <response code="200">The adapter can be used.</response>
    /// <response code="400">A field is wrong, the folder may not be read or holds no adapter, or the name is taken.</response>
    /// <response code="409">The name comes from the server's folder of adapters.</response>
    /// <response code="413">Larger than a limit.</response>
    /// <response code="422">A valid adapter that this base model or this server cannot apply.</response>
    internal static async Task<ContentHttpResult> LoadAsync(
        HttpContext context, LlmEngine engine, LoraServeOptions options, AdapterUploads uploads)
    {
        var cancellation = context.RequestAborted;
        var adapters = engine.Adapters;
        // Before anything is read: the refusal must not tell what there is.
        if (!context.User.Caller().Access.AllowsEverything)
        {
            throw new PermissionException(
                "Folders of the server hold adapters of any name: only a key for all adapters and the base model may load them.", "load_not_allowed");
        }

        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new LoadLoraAdapterRequest(), isRequired: true, FieldTable.LoadLoraAdapter, cancellation);
        var (name, path) = (request.LoraName, request.LoraPath);
        CheckGiven(("lora_name", name), ("lora_path", path));
        AdaptersApi.CheckName(engine.Model, name!, "lora_name");
        uploads.CheckName(context, name!);
        if (adapters.Find(name!) is not null && !request.LoadInplace)
            throw new InvalidRequestException("lora_name", $"'{name}' is loaded already: set load_inplace to replace it", "adapter_exists");
        using var upload = adapters.BeginUpload();
        await LoraPath.ReadAsync(path!, options.LoraPathRoot ?? options.AdaptersFolder, upload, cancellation);
        var (caller, add) = (context.User.Caller(), new AddOptions { Replace = request.LoadInplace });
        using var adapter = await uploads.CheckAsync(caller, name!, upload, add, cancellation);
        await uploads.StoreAsync(caller, adapter, naming: null, action: null, context, cancellation);
        return Success(name!, "added");
    }

    /// <summary>Take an adapter and all of its versions away.</summary>
    /// <remarks>For tools that expect vLLM: as DELETE /v1/adapters/{name}?force=true. Requests that run on it finish.</remarks>
    /// <response code="200">The name is free again.</response>
    /// <response code="400">A field is wrong.</response>
    /// <response code="404">No adapter has this name.</response>
    /// <response code="409">It comes from the server's folder of adapters.</response>
    internal static async Task<ContentHttpResult> UnloadAsync(
        HttpContext context, LlmEngine engine, LoraServeOptions options, Caller caller, AuditLog audit)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new UnloadLoraAdapterRequest(), isRequired: true, context.RequestAborted);
        CheckGiven(("lora_name", request.LoraName));
        await AdaptersApi.DeleteAsync(context, engine, caller, audit, request.LoraName!, force: true);
        return Success(request.LoraName!, "removed");
    }

    private static void CheckGiven(params IEnumerable<(string Name, string? Value)> fields)
    {
        var missing = new RequestFaults();
        missing.AddRange(fields.Where(field => string.IsNullOrEmpty(field.Value)).Select(field => new RequestFault(field.Name, "is required")));
        missing.ThrowIfAny();
    }

    private static ContentHttpResult Success(string name, string done) =>
        TypedResults.Text($"Success: LoRA adapter '{name}' {done} successfully.");
}
