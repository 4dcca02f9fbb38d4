using System.ComponentModel;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace LoraServe.Adapters;

/// <summary>Adapters: upload, list, look at, delete.</summary>
internal static class AdaptersApi
{
    private const string AllowNoEffect = "Also take an adapter that changes nothing, so that it answers as the bare base model would.";
    private const string MeasureEffect =
        "Whether the answer says how far the adapter moves the next token, which takes the engine some time; false leaves mean_kl null.";

    private const string DryRun = "Only validate: store nothing.";

    public static IEndpointRouteBuilder MapAdapters(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/adapters").WithTags("Adapters");
        group.MapPost("", UploadAsync)
            .RequireScope(KeyScope.AdaptersWrite)
            .WithUploadForm().ProducesRefusals().Produces<ErrorResponse>(StatusCodes.Status409Conflict);
        group.MapPut("/{name}", ReplaceAsync)
            .RequireScope(KeyScope.AdaptersWrite)
            .WithArchiveBody().ProducesRefusals().Produces<ErrorResponse>(StatusCodes.Status409Conflict);
        group.MapGet("", List).RequireScope(KeyScope.AdaptersRead);
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
        EngineService service,
        LoraServeOptions options,
        [FromQuery(Name = "dry_run"), Description(DryRun)] bool dryRun = false,
        [FromQuery(Name = "allow_no_effect"), Description(AllowNoEffect)] bool allowNoEffect = false,
        [FromQuery(Name = "measure_effect"), Description(MeasureEffect)] bool measureEffect = true)
    {
        var cancellation = context.RequestAborted;
        using var upload = BeginUpload(context, service, options);
        var name = await AdapterForm.ReadAsync(context.Request, upload, cancellation);
        CheckName(service, name);
        return await StoreAsync(service, name, upload, new AddOptions { AllowNoEffect = allowNoEffect }, dryRun, measureEffect, cancellation);
    }

    /// <summary>Upload an adapter under a name, new or not.</summary>
    /// <remarks>
    /// The body is the archive: curl -T adapter.zip. Requests that run on the version which the name had before finish on it.
    /// </remarks>
    /// <param name="name" example="support-replies">
    /// A letter or digit, then letters, digits, dots, underscores and dashes; at most 128 characters.
    /// </param>
    /// <response code="200">The name points at this adapter now; with dry_run: it would be accepted.</response>
    /// <response code="201">The name is new; the adapter is stored and can be used.</response>
    /// <response code="400">The archive or a file in it is broken.</response>
    /// <response code="409">The name comes from the server's folder of adapters.</response>
    /// <response code="413">Larger than a limit.</response>
    /// <response code="422">A valid adapter that this base model or this server cannot apply.</response>
    internal static async Task<Results<Created<AdapterResource>, Ok<AdapterResource>>> ReplaceAsync(
        HttpContext context,
        EngineService service,
        LoraServeOptions options,
        string name,
        [FromQuery(Name = "dry_run"), Description(DryRun)] bool dryRun = false,
        [FromQuery(Name = "allow_no_effect"), Description(AllowNoEffect)] bool allowNoEffect = false,
        [FromQuery(Name = "measure_effect"), Description(MeasureEffect)] bool measureEffect = true)
    {
        var cancellation = context.RequestAborted;
        CheckName(service, name);
        using var upload = BeginUpload(context, service, options);
        await upload.ReadArchiveAsync(context.Request.Body, cancellation);
        return await StoreAsync(
            service, name, upload, new AddOptions { Replace = true, AllowNoEffect = allowNoEffect }, dryRun, measureEffect, cancellation);
    }

    /// <summary>All adapters, sorted by name.</summary>
    internal static Ok<AdapterList> List(EngineService service)
    {
        var engine = service.Engine;
        return TypedResults.Ok(new AdapterList { Data = [.. engine.Adapters.List().Select(adapter => AdapterResource.From(adapter, engine))] });
    }

    /// <summary>One adapter.</summary>
    /// <param name="name" example="support-replies">Its name.</param>
    /// <response code="200">The adapter.</response>
    /// <response code="404">No adapter has this name.</response>
    internal static Ok<AdapterResource> Get(EngineService service, string name) => TypedResults.Ok(AdapterResource.From(
        service.Engine.Adapters.Find(name) ?? throw new UnknownAdapterException(name), service.Engine));

    /// <summary>Delete an adapter and all of its versions.</summary>
    /// <param name="name" example="support-replies">Its name.</param>
    /// <response code="200">The name is free again.</response>
    /// <response code="404">No adapter has this name.</response>
    /// <response code="409">Requests or saved sums use it, or it comes from the server's folder of adapters.</response>
    internal static async Task<Ok<DeletedAdapter>> DeleteAsync(
        EngineService service,
        string name,
        [Description("Also while it is in use: the name goes at once, and what runs on it finishes.")] bool force = false)
    {
        var engine = service.Engine;
        var adapter = engine.Adapters.Find(name) ?? throw new UnknownAdapterException(name);
        string[] versions = [adapter.Version, .. engine.Adapters.Versions(name).Select(version => version.Version)];
        if (!engine.Adapters.Remove(name, force)) throw new UnknownAdapterException(name);
        // Merged weights that a person asked for would outlive the only name by which they can be unmerged.
        var others = engine.Adapters.List().Select(other => other.Version).ToHashSet(StringComparer.Ordinal);
        foreach (var version in versions.Distinct().Where(version => !others.Contains(version))) await engine.UnmergeAsync(version);
        return TypedResults.Ok(new DeletedAdapter { Id = name });
    }

    private static async Task<Results<Created<AdapterResource>, Ok<AdapterResource>>> StoreAsync(
        EngineService service,
        string name,
        AdapterUpload upload,
        AddOptions options,
        bool dryRun,
        bool measureEffect,
        CancellationToken cancellation)
    {
        var engine = service.Engine;
        if (dryRun)
        {
            var valid = await engine.Adapters.ValidateAsync(name, upload, options, cancellation);
            return TypedResults.Ok(AdapterResource.From(valid, engine));
        }

        var isNew = engine.Adapters.Find(name) is null;
        var resource = AdapterResource.From(await engine.Adapters.AddAsync(name, upload, options, cancellation), engine);
        resource = resource with { Effect = await EffectAsync(engine, resource, measureEffect, cancellation) };
        return isNew ? TypedResults.Created($"/v1/adapters/{name}", resource) : TypedResults.Ok(resource);
    }

    // The adapter is stored by now, whatever becomes of the measurement; asking for it later tells the same.
    private static async Task<AdapterEffectResource?> EffectAsync(
        LlmEngine engine, AdapterResource adapter, bool measures, CancellationToken cancellation)
    {
        var reference = AdapterReference.Parse($"{adapter.Id}@{adapter.Version}");
        try
        {
            return AdapterEffectResource.From(measures
                ? await engine.EffectAsync(reference, cancellation)
                : await engine.Adapters.AnalyzeAsync(reference, cancellation));
        }
        catch (Exception) when (measures && !cancellation.IsCancellationRequested)
        {
            return await EffectAsync(engine, adapter, measures: false, cancellation);
        }
        catch (Exception e) when (e is UnknownAdapterException or DamagedAdapterException)
        {
            return null;
        }
    }

    internal static void CheckName(EngineService service, string name)
    {
        if (!AdapterName.IsValid(name)) throw new InvalidRequestException("name", $"expected {AdapterName.Rule}, found '{name}'");
        if (name == service.BaseModel) throw new InvalidRequestException("name", $"'{name}' is the name of the base model");
    }

    private static AdapterUpload BeginUpload(HttpContext context, EngineService service, LoraServeOptions options)
    {
        // A form is a little larger than the files in it, which have limits of their own.
        RequestSize.Limit(context, options.MaxUploadSize + 1);
        return service.Engine.Adapters.BeginUpload();
    }

    private static RouteHandlerBuilder ProducesRefusals(this RouteHandlerBuilder route) => route
        .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
        .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge)
        .Produces<ErrorResponse>(StatusCodes.Status422UnprocessableEntity);
}
