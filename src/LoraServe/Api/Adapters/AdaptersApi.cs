using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Engine;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using LoraServe.Text.Faults;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace LoraServe.Api.Adapters;

/// <summary>Adapters: upload, list, look at, delete.</summary>
internal static class AdaptersApi
{
    private const int MaxLimit = 1000;
    private const string AllowNoEffect = "Also take an adapter that changes nothing, so that it answers as the bare base model would.";
    private const string MeasureEffect =
        "Whether the answer says how far the adapter moves the next token, which takes the engine some time; false leaves mean_kl null.";

    private const string DryRun = "Only validate: store nothing.";

    public static IEndpointRouteBuilder MapAdapters(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/adapters").WithTags("Adapters").RequireEngine();
        group.MapPost("", UploadAsync)
            .RequireScope(KeyScope.AdaptersWrite)
            .WithUploadForm().ProducesRefusals().Produces<ErrorResponse>(StatusCodes.Status409Conflict);
        group.MapPut("/{name}", ReplaceAsync)
            .RequireScope(KeyScope.AdaptersWrite)
            .WithArchiveBody().ProducesRefusals().Produces<ErrorResponse>(StatusCodes.Status409Conflict);
        group.MapGet("", List).RequireScope(KeyScope.AdaptersRead).Produces<ErrorResponse>(StatusCodes.Status400BadRequest);
        group.MapGet("/{name}", Get).RequireScope(KeyScope.AdaptersRead).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapDelete("/{name}", DeleteAsync)
            .RequireScope(KeyScope.AdaptersWrite)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
            .Produces<ErrorResponse>(StatusCodes.Status409Conflict);
        return routes;
    }

    /// <summary>Upload an adapter under a new name.</summary>
    /// <remarks>
    /// A multipart form with the parts name and file (a zip, tar or tar.gz of a PEFT folder), or name and files (adapter_config.json and
    /// adapter_model.safetensors). The adapter can be used at once and survives a restart. One that this base model cannot apply exactly
    /// as it was trained is refused with every reason, and nothing is stored.
    /// </remarks>
    /// <response code="200">With dry_run: the adapter would be accepted.</response>
    /// <response code="201">The adapter is stored and can be used.</response>
    /// <response code="400">The form, the archive or a file is broken.</response>
    /// <response code="409">The name belongs to an adapter of other content; PUT replaces it.</response>
    /// <response code="413">Larger than a limit.</response>
    /// <response code="422">A valid adapter that this base model or this server cannot apply.</response>
    internal static async Task<Results<Created<AdapterResource>, Ok<AdapterResource>>> UploadAsync(
        HttpContext context,
        AdapterUploads uploads,
        [FromQuery(Name = "dry_run"), Description(DryRun)] bool dryRun = false,
        [FromQuery(Name = "allow_no_effect"), Description(AllowNoEffect)] bool allowNoEffect = false,
        [FromQuery(Name = "measure_effect"), Description(MeasureEffect)] bool measureEffect = true)
    {
        using var upload = uploads.Begin(context);
        var given = await AdapterForm.ReadAsync(
            context.Request, upload, name => uploads.CheckName(context, name), context.RequestAborted);
        return await uploads.StoreAsync(context, given, upload, new AddOptions { AllowNoEffect = allowNoEffect }, dryRun, measureEffect);
    }

    /// <summary>Upload an adapter under a name, new or not.</summary>
    /// <remarks>
    /// The body is the archive: curl -T adapter.zip. Requests that run on the version which the name had before finish on it.
    /// </remarks>
    /// <param name="name" example="support-replies">
    /// A letter or digit, then letters, digits, dots, underscores and dashes, or two of these as org%2Fname; at most 128 characters.
    /// </param>
    /// <response code="200">The name points at this adapter now; with dry_run: it would be accepted.</response>
    /// <response code="201">The name is new; the adapter is stored and can be used.</response>
    /// <response code="400">The archive or a file in it is broken.</response>
    /// <response code="409">The name comes from the server's folder of adapters.</response>
    /// <response code="413">Larger than a limit.</response>
    /// <response code="422">A valid adapter that this base model or this server cannot apply.</response>
    internal static async Task<Results<Created<AdapterResource>, Ok<AdapterResource>>> ReplaceAsync(
        HttpContext context,
        AdapterUploads uploads,
        string name,
        [FromQuery(Name = "dry_run"), Description(DryRun)] bool dryRun = false,
        [FromQuery(Name = "allow_no_effect"), Description(AllowNoEffect)] bool allowNoEffect = false,
        [FromQuery(Name = "measure_effect"), Description(MeasureEffect)] bool measureEffect = true)
    {
        uploads.CheckName(context, name);
        using var upload = uploads.Begin(context);
        await upload.ReadArchiveAsync(context.Request.Body, context.RequestAborted);
        return await uploads.StoreAsync(
            context, name, upload, new AddOptions { Replace = true, AllowNoEffect = allowNoEffect }, dryRun, measureEffect);
    }

    /// <summary>All adapters that there are for the caller's key, sorted by name.</summary>
    /// <response code="200">The adapters.</response>
    /// <response code="400">A parameter is wrong.</response>
    internal static Ok<AdapterList> List(
        LlmEngine engine,
        AdapterAccess access,
        [Description("Most adapters to return."), Range(1, MaxLimit)] int limit = MaxLimit,
        [Description("Only adapters behind this name, whether there is such an adapter or not.")] string? after = null)
    {
        PageLimit.Check(limit, MaxLimit);
        var adapters = engine.Adapters.List()
            .Where(adapter => access.Allows(adapter.Name) && (after is null || string.CompareOrdinal(adapter.Name, after) > 0))
            .OrderBy(adapter => adapter.Name, StringComparer.Ordinal);
        var page = Page.Of(adapters, limit);
        return TypedResults.Ok(new AdapterList
        {
            Data = [.. page.Items.Select(adapter => AdapterResource.From(adapter, engine, access))],
            HasMore = page.HasMore,
        });
    }

    /// <summary>One adapter.</summary>
    /// <param name="name" example="support-replies">Its name.</param>
    /// <response code="200">The adapter.</response>
    /// <response code="404">No adapter has this name.</response>
    internal static Ok<AdapterResource> Get(LlmEngine engine, AdapterAccess access, string name)
    {
        access.Check(name);
        var adapter = engine.Adapters.Find(name) ?? throw new UnknownAdapterException(name);
        return TypedResults.Ok(AdapterResource.From(adapter, engine, access));
    }

    /// <summary>Delete an adapter and all of its versions.</summary>
    /// <param name="name" example="support-replies">Its name.</param>
    /// <response code="200">The name is free again.</response>
    /// <response code="404">No adapter has this name.</response>
    /// <response code="409">Requests or saved sums use it, or it comes from the server's folder of adapters.</response>
    internal static async Task<Ok<DeletedAdapter>> DeleteAsync(
        HttpContext context,
        LlmEngine engine,
        Caller caller,
        AuditLog audit,
        string name,
        [Description("Also while it is in use: the name goes at once, and what runs on it finishes.")] bool force = false)
    {
        caller.Access.Check(name);
        var adapter = engine.Adapters.Find(name) ?? throw new UnknownAdapterException(name);
        AdapterVersionId[] versions = [adapter.Version, .. engine.Adapters.Versions(name).Select(version => version.Version)];
        try
        {
            if (!engine.Adapters.Remove(name, force)) throw new UnknownAdapterException(name);
        }
        catch (AdapterInUseException e) when (e.Mix is { } mix && !caller.Access.Allows(mix))
        {
            throw e.WithoutMix();
        }

        audit.Record(caller, AuditAction.AdapterDeleted, name, from: adapter.Version, context: context);
        // Merged weights that a person asked for would outlive the only name by which they can be unmerged.
        var others = engine.Adapters.List().Select(other => other.Version).ToHashSet();
        foreach (var version in versions.Distinct().Where(version => !others.Contains(version))) await engine.UnmergeAsync(version);
        return TypedResults.Ok(new DeletedAdapter { Id = name });
    }

    internal static void CheckName(ModelInfo model, string name, string param = "name")
    {
        if (!AdapterName.IsValid(name)) throw new InvalidRequestException(param, $"expected {AdapterName.Rule}, found '{FaultText.Shorten(name)}'");
        if (name == model.Name) throw new InvalidRequestException(param, $"'{name}' is the name of the base model");
        if (AdapterName.Reservation(name) is { } reason) throw new InvalidRequestException(param, $"'{name}' {reason}");
    }

    private static RouteHandlerBuilder ProducesRefusals(this RouteHandlerBuilder route) => route
        .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
        .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge)
        .Produces<ErrorResponse>(StatusCodes.Status422UnprocessableEntity);
}
