using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Adapters;

/// <summary>
/// Takes adapters in: the one place where what a key may store is checked, and where it is remembered which key stored what.
/// </summary>
internal sealed class AdapterUploads(EngineService service, LoraServeOptions options, StorageQuota quota, AuditLog audit)
{
    /// <summary>Begins to read an upload from the body of a request.</summary>
    public AdapterUpload Begin(HttpContext context)
    {
        // A form is a little larger than the files in it, which have limits of their own.
        RequestSize.Limit(context, options.MaxUploadSize + 1);
        context.Request.Body = quota.Limit(context.Request.Body, context.User.Caller());
        return service.Engine.Adapters.BeginUpload();
    }

    /// <summary>Refuses a name before the adapter is read.</summary>
    /// <exception cref="InvalidRequestException">No adapter can have it.</exception>
    /// <exception cref="PermissionException">The caller may not give it, or not store any more.</exception>
    public void CheckName(HttpContext context, string name)
    {
        var caller = context.User.Caller();
        AdaptersApi.CheckName(service, name);
        caller.Access.CheckTarget(name);
        quota.Check(caller, name, bytes: 0);
    }

    /// <summary>Validates an upload and, unless it is a dry run, stores it under a name.</summary>
    public async Task<Results<Created<AdapterResource>, Ok<AdapterResource>>> StoreAsync(
        HttpContext context, string name, AdapterUpload upload, AddOptions add, bool dryRun, bool measureEffect)
    {
        var (engine, caller, cancellation) = (service.Engine, context.User.Caller(), context.RequestAborted);
        CheckName(context, name);
        if (dryRun)
        {
            quota.Check(caller, name, upload.TensorBytes);
            var valid = await engine.Adapters.ValidateAsync(name, upload, add, cancellation);
            return TypedResults.Ok(AdapterResource.From(valid, engine, caller.Access));
        }

        var (before, after) = await AddAsync(caller, name, upload, add, action: null, context, cancellation);
        var resource = AdapterResource.From(after, engine, caller.Access);
        resource = resource with { Effect = await EffectAsync(engine, resource, measureEffect, cancellation) };
        return before is null ? TypedResults.Created(context.Request.PathBase + $"/v1/adapters/{SlashedNames.Segment(name)}", resource) : TypedResults.Ok(resource);
    }

    /// <summary>Validates an upload and stores it under a name.</summary>
    /// <param name="caller">For whose account.</param>
    /// <param name="name">A name that the caller may give.</param>
    /// <param name="upload">The adapter.</param>
    /// <param name="add">How it is stored.</param>
    /// <param name="action">What the audit log calls it; null: that a name was given, or given to something else.</param>
    /// <param name="context">The request; null for a job.</param>
    /// <param name="cancellation">Leaves everything as it was.</param>
    /// <returns>What the name stood for before, and what it stands for now.</returns>
    public async Task<(AdapterInfo? Before, AdapterInfo After)> AddAsync(
        Caller caller,
        string name,
        AdapterUpload upload,
        AddOptions add,
        string? action,
        HttpContext? context,
        CancellationToken cancellation)
    {
        var (before, after) = await quota.StoreAsync(
            caller,
            name,
            upload.TensorBytes,
            storing => service.Engine.Adapters.AddAsync(name, upload, add with { Storing = storing + add.Storing }, cancellation),
            cancellation);
        if (before?.Version == after.Version) return (before, after);
        action ??= before is null ? AuditAction.AdapterCreated : AuditAction.AdapterReplaced;
        var details = add.Provenance is { } provenance ? new JsonObject { ["provenance"] = provenance } : null;
        audit.Record(caller, action, name, before?.Version, after.Version, details, context);
        return (before, after);
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
}
