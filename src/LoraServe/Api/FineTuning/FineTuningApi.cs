using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Hosting;
using LoraServe.Jobs;
using LoraServe.Keys;
using LoraServe.Training;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.FineTuning;

/// <summary>Trainings: start one, list, look at, delete, cancel, pause and resume them. OpenAI's API.</summary>
internal static class FineTuningApi
{
    private const int MaxLimit = 1000;

    private static JsonObject Example => new()
    {
        ["model"] = "loraserve-demo",
        ["training_file"] = "file-3f9a1c2b7d4e3f9a1c2b7d4e",
        ["validation_split"] = 0.05,
        ["suffix"] = "support",
        ["method"] = new JsonObject
        {
            ["type"] = "supervised",
            ["supervised"] = new JsonObject
            {
                ["hyperparameters"] = new JsonObject
                {
                    ["n_epochs"] = "auto",
                    ["lora"] = new JsonObject { ["r"] = 8, ["target_modules"] = "all-linear", ["exact_match_examples"] = 50 },
                },
            },
        },
    };

    public static IEndpointRouteBuilder MapFineTuning(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/fine_tuning/jobs").WithTags("Fine-tuning").RequireScope(KeyScope.Train);
        group.MapPost("", CreateAsync)
            .RequireEngine()
            .WithJsonBody<FineTuningRequest>(Example)
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
        group.MapPost("/{id}/cancel", Cancel).ProducesChangeErrors();
        group.MapPost("/{id}/pause", Pause).ProducesChangeErrors();
        group.MapPost("/{id}/resume", Resume).ProducesChangeErrors();
        group.MapTrainingHistory();
        group.MapPromotion();
        group.MapTrainedArchive();
        return routes;
    }

    /// <summary>Train an adapter on examples, on the weights that serve.</summary>
    /// <remarks>
    /// The files are read in the background: until then the status is validating_files, and a job whose files or hyperparameters cannot be
    /// used ends as failed, with every fault in its error. Jobs run one after the other, between the steps of requests, and survive a
    /// restart. The adapter gets the name ft:base:suffix and serves at once; another training of the same suffix makes a new version of it.
    /// The key has to allow that name, for instance by the pattern ft:*.
    /// </remarks>
    /// <response code="200">The job.</response>
    /// <response code="400">A field is wrong, or names no file of the caller.</response>
    /// <response code="404">The model is not the base model.</response>
    /// <response code="413">The body is too large.</response>
    /// <response code="429">As many trainings of the caller as --max-queued-jobs wait already.</response>
    internal static async Task<Ok<FineTuningJobResource>> CreateAsync(
        HttpContext context, FineTuningOrders orders, LoraServeOptions options, AuditLog audit, Caller caller)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await FineTuningRequestReader.ReadAsync(context.Request, context.RequestAborted);
        var job = await orders.SubmitAsync(caller, request, context.RequestAborted);
        audit.Record(caller, AuditAction.JobCreated, job.Id, details: AuditLog.Details(request), context: context);
        return TypedResults.Ok(FineTuningJobResource.From(job, estimatedFinish: null));
    }

    /// <summary>The caller's trainings, the newest first; admin sees those of all.</summary>
    /// <remarks>metadata[name]=text lists only those with this text under this name.</remarks>
    /// <response code="200">The jobs.</response>
    /// <response code="400">A parameter is wrong.</response>
    /// <response code="404">There is no job of the id in after.</response>
    internal static Ok<FineTuningJobList> List(
        HttpContext context,
        JobStore jobs,
        FineTuner training,
        Caller caller,
        [Description("Most jobs to return."), Range(1, MaxLimit)] int limit = 20,
        [Description("Only jobs older than the one with this id.")] string? after = null)
    {
        PageLimit.Check(limit, MaxLimit);
        var wanted = MetadataFilter.Read(context.Request.Query);
        var page = jobs.List(
            FineTuner.Kind, caller, after, limit, job => wanted.Matches(job.RequestAs<FineTuningOrder>().Request.Metadata));
        return TypedResults.Ok(new FineTuningJobList
        {
            Data = [.. page.Items.Select(job => Resource(job, training))],
            HasMore = page.HasMore,
        });
    }

    /// <summary>One training.</summary>
    /// <param name="id" example="ftjob-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The job.</response>
    /// <response code="404">The caller has no such job.</response>
    internal static Ok<FineTuningJobResource> Get(JobStore jobs, FineTuner training, Caller caller, string id) =>
        TypedResults.Ok(Resource(jobs.Get(FineTuner.Kind, id, caller), training));

    /// <summary>Delete a training that has ended, with its events and checkpoints.</summary>
    /// <remarks>The adapter that it made, and its file of figures, are deleted on their own.</remarks>
    /// <param name="id" example="ftjob-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">It is gone.</response>
    /// <response code="404">The caller has no such job.</response>
    /// <response code="409">It has not ended: cancel it first.</response>
    internal static async Task<Ok<DeletedJob>> DeleteAsync(HttpContext context, JobDeletion deletion, string id) =>
        TypedResults.Ok(await deletion.DeleteAsync(context, FineTuner.Kind, id));

    /// <summary>End a training. Its checkpoints stay.</summary>
    /// <param name="id" example="ftjob-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The job, which is cancelled.</response>
    /// <response code="400">It has ended already.</response>
    /// <response code="404">The caller has no such job.</response>
    internal static Ok<FineTuningJobResource> Cancel(HttpContext context, JobControl control, string id) =>
        TypedResults.Ok(control.Change(context, id, AuditAction.JobCancelled, (queue, job) => queue.Cancel(job)));

    /// <summary>Hold a training after a checkpoint, so that others go first.</summary>
    /// <remarks>Its status is queued meanwhile, and its field paused is true. It stays paused over a restart.</remarks>
    /// <param name="id" example="ftjob-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The job.</response>
    /// <response code="400">It has ended, or is paused already.</response>
    /// <response code="404">The caller has no such job.</response>
    internal static Ok<FineTuningJobResource> Pause(HttpContext context, JobControl control, string id) =>
        TypedResults.Ok(control.Change(context, id, AuditAction.JobPaused, (queue, job) => queue.Pause(job)));

    /// <summary>Let a paused training go on from where it was.</summary>
    /// <param name="id" example="ftjob-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The job.</response>
    /// <response code="400">It has ended, or is not paused.</response>
    /// <response code="404">The caller has no such job.</response>
    internal static Ok<FineTuningJobResource> Resume(HttpContext context, JobControl control, string id) =>
        TypedResults.Ok(control.Change(context, id, AuditAction.JobResumed, (queue, job) => queue.Resume(job)));

    internal static FineTuningJobResource Resource(StoredJob job, FineTuner training) =>
        FineTuningJobResource.From(job, job.IsFinished ? null : training.EstimatedFinish(job.Id));

    private static void ProducesChangeErrors(this RouteHandlerBuilder route) => route
        .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
        .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
}
