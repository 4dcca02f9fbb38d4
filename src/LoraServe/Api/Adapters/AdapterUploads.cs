using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Adapters;

/// <summary>
/// Takes adapters in: the one place where what a key may store is checked, and where it is remembered which key stored what.
/// </summary>
internal sealed class AdapterUploads(LlmEngine engine, LoraServeOptions options, StorageQuota quota, AuditLog audit)
{
    /// <summary>Begins to read an upload from the body of a request.</summary>
    public AdapterUpload Begin(HttpContext context)
    {
        // A form is a little larger than the files in it, which have limits of their own.
        RequestSize.Limit(context, options.MaxUploadSize + 1);
        context.Request.Body = quota.Limit(context.Request.Body, context.User.Caller());
        return engine.Adapters.BeginUpload();
    }

    /// <summary>Refuses a name before the adapter is read.</summary>
    /// <exception cref="InvalidRequestException">No adapter can have it.</exception>
    /// <exception cref="PermissionException">The caller may not use it, or may not store more.</exception>
    public void CheckName(HttpContext context, string name)
    {
        var caller = context.User.Caller();
        AdaptersApi.CheckName(engine.Model, name);
        caller.Access.CheckTarget(name);
        quota.Check(caller, name, bytes: 0);
    }

    /// <summary>Validates an upload and, unless it is a dry run, stores it under a name.</summary>
    public async Task<Results<Created<AdapterResource>, Ok<AdapterResource>>> StoreAsync(
        HttpContext context, string name, AdapterUpload upload, AddOptions add, bool dryRun, bool measureEffect)
    {
        var (caller, cancellation) = (context.User.Caller(), context.RequestAborted);
        CheckName(context, name);
        using var adapter = await CheckAsync(caller, name, upload, add, cancellation);
        if (dryRun) return TypedResults.Ok(AdapterResource.From(adapter.Info, engine, caller.Access));
        var weights = await engine.Adapters.AnalyzeAsync(adapter, cancellation);
        var (before, after) = await StoreAsync(caller, adapter, naming: null, action: null, context, cancellation);
        var resource = AdapterResource.From(after, engine, caller.Access);
        var effect = measureEffect ? await MeasureAsync(engine, after, weights, cancellation) : weights;
        resource = resource with { Effect = AdapterEffectResource.From(effect) };
        return before is null ? TypedResults.Created(context.Request.PathBase + $"/v1/adapters/{SlashedNames.Segment(name)}", resource) : TypedResults.Ok(resource);
    }

    /// <summary>Checks an upload, unless the caller may not store so much.</summary>
    /// <exception cref="PermissionException">It would be more than the caller may store.</exception>
    /// <exception cref="InvalidAdapterException">It is refused; the message lists every fault.</exception>
    public Task<CheckedUpload> CheckAsync(Caller caller, string name, AdapterUpload upload, AddOptions add, CancellationToken cancellation)
    {
        quota.Check(caller, name, upload.TensorBytes);
        return engine.Adapters.CheckAsync(name, upload, add, cancellation);
    }

    /// <summary>Stores an upload that was checked under a name that the caller may give.</summary>
    /// <param name="caller">For whose account.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="naming">Called just before the name gets the version; null: nobody needs to know.</param>
    /// <param name="action">What the audit log calls it; null: that a name was given, or given to something else.</param>
    /// <param name="context">The request; null for a job.</param>
    /// <param name="cancellation">Leaves everything as it was.</param>
    /// <returns>What the name stood for before, and what it stands for now.</returns>
    public async Task<(AdapterInfo? Before, AdapterInfo After)> StoreAsync(
        Caller caller, CheckedUpload adapter, Action? naming, string? action, HttpContext? context, CancellationToken cancellation)
    {
        var (before, after) = await quota.StoreAsync(caller, adapter.Info, Store, cancellation);
        if (before?.Version == after.Version) return (before, after);
        action ??= before is null ? AuditAction.AdapterCreated : AuditAction.AdapterReplaced;
        var details = adapter.Provenance is { } provenance ? new JsonObject { ["provenance"] = provenance } : null;
        audit.Record(caller, action, after.Name, before?.Version, after.Version, details, context);
        return (before, after);

        Task<AdapterInfo> Store()
        {
            naming?.Invoke();
            return engine.Adapters.StoreAsync(adapter, cancellation);
        }
    }

    // The adapter is stored by now, whatever becomes of the measurement; asking for it later tells the same.
    private static async Task<AdapterEffect> MeasureAsync(
        LlmEngine engine, AdapterInfo adapter, AdapterEffect weights, CancellationToken cancellation)
    {
        try
        {
            return await engine.EffectAsync(AdapterReference.Parse($"{adapter.Name}@{adapter.Version}"), weights, cancellation);
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            return weights;
        }
    }
}
