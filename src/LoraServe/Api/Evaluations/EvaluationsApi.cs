using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoraServe.Api.Compare;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Generation;
using LoraServe.Files;
using LoraServe.Hosting;
using LoraServe.Jobs;
using LoraServe.Keys;
using LoraServe.Storage;
using LoraServe.Training;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Evaluations;

/// <summary>Comparisons of adapters, and of the base, on files: ask for one, list, look at, cancel.</summary>
internal static class EvaluationsApi
{
    private const int MaxLimit = 1000;
    private const int MaxAdapters = 32;

    private static JsonObject Example => new()
    {
        ["adapters"] = new JsonArray("base", "sql", "ft:loraserve-demo:support"),
        ["file"] = "file-3f9a1c2b7d4e3f9a1c2b7d4e",
        ["generate"] = 100,
    };

    public static IEndpointRouteBuilder MapEvaluations(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/evaluations").WithTags("Evaluations").RequireScope(KeyScope.Train);
        group.MapPost("", CreateAsync)
            .RequireEngine()
            .WithJsonBody<EvaluationRequest>(Example)
            .Produces<ErrorResponse>(StatusCodes.Status429TooManyRequests)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
            .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge);
        group.MapGet("", List)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapGet("/{id}", Get).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapDelete("/{id}", DeleteAsync)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
            .Produces<ErrorResponse>(StatusCodes.Status409Conflict);
        group.MapPost("/{id}/cancel", Cancel)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        return routes;
    }

    /// <summary>Compare adapters, and the base, on a file: loss, perplexity, token accuracy, exact match, and every output.</summary>
    /// <remarks>
    /// It runs in the background, between the steps of requests and trainings, and survives a restart: ask for it until it has ended.
    /// </remarks>
    /// <response code="200">The evaluation, which has not begun.</response>
    /// <response code="400">A field is wrong, or names no file of the caller.</response>
    /// <response code="404">One of the adapters does not exist.</response>
    /// <response code="413">The body is too large.</response>
    /// <response code="429">As many evaluations of the caller as --max-queued-jobs wait already.</response>
    internal static async Task<Ok<EvaluationResource>> CreateAsync(
        HttpContext context,
        LlmEngine engine,
        LoraServeOptions options,
        FileStore files,
        JobFolders folders,
        JobQueue queue,
        AuditLog audit,
        Caller caller)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new EvaluationRequest(), isRequired: true, context.RequestAborted);
        var faults = new RequestFaults();
        if (request.Adapters is not { Count: > 0 and <= MaxAdapters }) faults.Add(new("adapters", $"expected 1 to {MaxAdapters} adapters"));
        if (string.IsNullOrEmpty(request.File)) faults.Add(new("file", "is required"));
        faults.ThrowIfAny();
        var references = request.Adapters!.Select(text => Evaluating.Parse(text, engine.Model.Name)).ToList();
        if (references.Contains(null)) caller.Access.Check((AdapterReference?)null);
        UnknownAdaptersException.Check(references.OfType<AdapterReference>(), caller.Access, engine.Adapters);
        if (JobInputs.Find(files, caller, "file", request.File!, faults) is not { } file) throw new InvalidRequestException(faults.Kept);

        queue.CheckRoom(Evaluating.Kind, caller);
        var id = $"eval-{RandomId.New()}";
        await folders.CreateAsync(id, [(file, EvaluationOrder.Data)], context.RequestAborted);
        var order = new EvaluationOrder { Request = request, FileName = file.Name };
        var job = queue.Submit(id, Evaluating.Kind, caller, JsonSerializer.Serialize(order, ApiJson.Options), $"Created evaluation: {id}");
        audit.Record(caller, AuditAction.JobCreated, id, details: AuditLog.Details(request), context: context);
        return TypedResults.Ok(EvaluationResource.From(job));
    }

    /// <summary>The caller's evaluations, the newest first; admin sees those of all.</summary>
    /// <remarks>Only the figures of each: the answer for a single one has its examples and outputs too.</remarks>
    /// <response code="200">The evaluations.</response>
    /// <response code="400">A parameter is wrong.</response>
    /// <response code="404">There is no evaluation of the id in after.</response>
    internal static Ok<EvaluationList> List(
        JobStore jobs,
        Caller caller,
        [Description("Most evaluations to return."), Range(1, MaxLimit)] int limit = 20,
        [Description("Only evaluations older than the one with this id.")] string? after = null)
    {
        PageLimit.Check(limit, MaxLimit);
        var page = jobs.List(Evaluating.Kind, caller, after, limit);
        return TypedResults.Ok(new EvaluationList
        {
            Data = [.. page.Items.Select(job => EvaluationResource.From(job).WithoutExamples())],
            HasMore = page.HasMore,
        });
    }

    /// <summary>One evaluation, with the results of the adapters that are done.</summary>
    /// <param name="id" example="eval-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The evaluation.</response>
    /// <response code="404">The caller has no such evaluation.</response>
    internal static Ok<EvaluationResource> Get(JobStore jobs, Caller caller, string id) =>
        TypedResults.Ok(EvaluationResource.From(jobs.Get(Evaluating.Kind, id, caller)));

    /// <summary>Delete an evaluation that has ended, with its results.</summary>
    /// <param name="id" example="eval-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">It is gone.</response>
    /// <response code="404">The caller has no such evaluation.</response>
    /// <response code="409">It has not ended: cancel it first.</response>
    internal static async Task<Ok<DeletedJob>> DeleteAsync(HttpContext context, JobDeletion deletion, string id) =>
        TypedResults.Ok(await deletion.DeleteAsync(context, Evaluating.Kind, id));

    /// <summary>End an evaluation. The results that it has stay.</summary>
    /// <param name="id" example="eval-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The evaluation, which is cancelled.</response>
    /// <response code="400">It has ended already.</response>
    /// <response code="404">The caller has no such evaluation.</response>
    internal static Ok<EvaluationResource> Cancel(
        HttpContext context, JobStore jobs, JobQueue queue, AuditLog audit, Caller caller, string id)
    {
        var job = queue.Cancel(jobs.Get(Evaluating.Kind, id, caller));
        audit.Record(caller, AuditAction.JobCancelled, id, context: context);
        return TypedResults.Ok(EvaluationResource.From(job));
    }
}
