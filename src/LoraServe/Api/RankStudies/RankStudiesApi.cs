using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Engine.Training.Ranks;
using LoraServe.Files;
using LoraServe.Jobs;
using LoraServe.Keys;
using LoraServe.Storage;
using LoraServe.Training;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.RankStudies;

/// <summary>Studies of the rank that a task needs: ask for one, list, look at, read the report, cancel.</summary>
internal static class RankStudiesApi
{
    private const int MaxLimit = 1000;
    private const int MaxItems = 64;
    // As many names of modules as a placement can have, and more than a reader wants to see in a table.
    private const int MaxTargetLength = 1024;

    private static JsonObject Example => new()
    {
        ["training_file"] = "file-3f9a1c2b7d4e3f9a1c2b7d4e",
        ["test_file"] = "file-5a1c2b7d4e3f9a1c2b7d4e3f",
        ["ranks"] = new JsonArray(1, 4, 16),
        ["targets"] = new JsonArray("attention", "all-linear"),
        ["seeds"] = 3,
        ["hyperparameters"] = new JsonObject { ["n_epochs"] = 3 },
    };

    public static IEndpointRouteBuilder MapRankStudies(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/rank_studies").WithTags("Rank studies").RequireScope(KeyScope.Train);
        group.MapPost("", CreateAsync)
            .WithJsonBody<NewRankStudy>(Example)
            .Produces<ErrorResponse>(StatusCodes.Status429TooManyRequests)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge);
        group.MapGet("", List).Produces<ErrorResponse>(StatusCodes.Status400BadRequest).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapGet("/{id}", Get).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapGet("/{id}/report.html", GetReport)
            .Produces(StatusCodes.Status200OK, contentType: "text/html")
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapDelete("/{id}", DeleteAsync)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
            .Produces<ErrorResponse>(StatusCodes.Status409Conflict);
        group.MapPost("/{id}/cancel", Cancel)
            .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        return routes;
    }

    /// <summary>Find the rank that a task needs: train it with different ranks, and with full fine-tuning, and compare on held-out examples.</summary>
    /// <remarks>It runs in the background, between the steps of requests and other trainings, and survives a restart: ask for it until it has ended.</remarks>
    /// <response code="200">The study, which has not begun.</response>
    /// <response code="400">A field is wrong, or names no file of the caller.</response>
    /// <response code="413">The body is too large.</response>
    /// <response code="429">As many studies of the caller as --max-queued-jobs wait already.</response>
    internal static async Task<Ok<RankStudyResource>> CreateAsync(
        HttpContext context, LoraServeOptions options, FileStore files, JobFolders folders, JobQueue queue, AuditLog audit, Caller caller)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new NewRankStudy(), isRequired: true, context.RequestAborted);
        var faults = new RequestFaults();
        faults.AddRange(Faults(request));
        faults.ThrowIfAny();
        var training = JobInputs.Find(files, caller, "training_file", request.TrainingFile!, faults);
        var test = JobInputs.Find(files, caller, "test_file", request.TestFile!, faults);
        faults.ThrowIfAny();

        var id = $"rank-{RandomId.New()}";
        var order = new RankStudyOrder { Request = request, TrainingFileName = training!.Name, TestFileName = test!.Name };
        if (order.ToEngine(folders.Of(id)).Trainings is > RankStudyRequest.MostTrainings and var trainings)
        {
            throw new InvalidRequestException(
                "ranks", $"expected at most {RankStudyRequest.MostTrainings} trainings of all ranks, targets, data_sizes and seeds, found {trainings}");
        }

        queue.CheckRoom(RankStudying.Kind, caller);
        await folders.CreateAsync(id, [(training, RankStudyOrder.Training), (test, RankStudyOrder.Test)], context.RequestAborted);
        var job = queue.Submit(id, RankStudying.Kind, caller, JsonSerializer.Serialize(order, ApiJson.Options), $"Created rank study: {id}");
        audit.Record(caller, AuditAction.JobCreated, id, details: AuditLog.Details(request), context: context);
        return TypedResults.Ok(RankStudyResource.From(job));
    }

    /// <summary>The caller's studies, the newest first; admin sees those of all.</summary>
    /// <response code="200">The studies.</response>
    /// <response code="400">A parameter is wrong.</response>
    /// <response code="404">There is no study of the id in after.</response>
    internal static Ok<RankStudyList> List(
        JobStore jobs,
        Caller caller,
        [Description("Most studies to return."), Range(1, MaxLimit)] int limit = 20,
        [Description("Only studies older than the one with this id.")] string? after = null)
    {
        PageLimit.Check(limit, MaxLimit);
        var page = jobs.List(RankStudying.Kind, caller, after, limit);
        return TypedResults.Ok(new RankStudyList { Data = [.. page.Items.Select(RankStudyResource.From)], HasMore = page.HasMore });
    }

    /// <summary>One study: where it is, and at the end what it found.</summary>
    /// <param name="id" example="rank-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The study.</response>
    /// <response code="404">The caller has no such study.</response>
    internal static Ok<RankStudyResource> Get(JobStore jobs, Caller caller, string id) =>
        TypedResults.Ok(RankStudyResource.From(jobs.Get(RankStudying.Kind, id, caller)));

    /// <summary>The report of a study that succeeded: one page with its table and plots, which needs nothing else.</summary>
    /// <param name="id" example="rank-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The page.</response>
    /// <response code="400">The study has not succeeded.</response>
    /// <response code="404">The caller has no such study.</response>
    internal static FileStreamHttpResult GetReport(JobStore jobs, JobFolders folders, Caller caller, string id)
    {
        var job = jobs.Get(RankStudying.Kind, id, caller);
        if (job.Status != JobStatus.Succeeded) throw new JobStateException($"'{job.Id}' has no report: it is {JobStatusNames.Of(job.Status)}.");
        try
        {
            var page = new FileStream(RankStudyOrder.Report(folders.Of(job.Id)), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            return TypedResults.Stream(page, "text/html; charset=utf-8", lastModified: job.Finished);
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UnknownJobException("rank_study.report", id);
        }
    }

    /// <summary>Delete a study that has ended, with its report.</summary>
    /// <param name="id" example="rank-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">It is gone.</response>
    /// <response code="404">The caller has no such study.</response>
    /// <response code="409">It has not ended: cancel it first.</response>
    internal static async Task<Ok<DeletedJob>> DeleteAsync(HttpContext context, JobDeletion deletion, string id) =>
        TypedResults.Ok(await deletion.DeleteAsync(context, RankStudying.Kind, id));

    /// <summary>End a study. What its trainings found so far is not kept.</summary>
    /// <param name="id" example="rank-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The study, which is cancelled.</response>
    /// <response code="400">It has ended already.</response>
    /// <response code="404">The caller has no such study.</response>
    internal static Ok<RankStudyResource> Cancel(HttpContext context, JobStore jobs, JobQueue queue, AuditLog audit, Caller caller, string id)
    {
        var job = queue.Cancel(jobs.Get(RankStudying.Kind, id, caller));
        audit.Record(caller, AuditAction.JobCancelled, id, context: context);
        return TypedResults.Ok(RankStudyResource.From(job));
    }

    private static IEnumerable<RequestFault> Faults(NewRankStudy request)
    {
        if (string.IsNullOrEmpty(request.TrainingFile)) yield return new("training_file", "is required");
        if (string.IsNullOrEmpty(request.TestFile)) yield return new("test_file", "is required");
        if (request.Ranks is not { Count: > 0 and <= MaxItems }) yield return new("ranks", $"expected 1 to {MaxItems} ranks");
        if (request.Targets?.FirstOrDefault(target => target is not { Length: > 0 and <= MaxTargetLength }) is { } wrong)
            yield return new("targets", $"expected placements of 1 to {MaxTargetLength} characters, found one of {wrong.Length}");
        if (request.Targets is not { Count: > 0 and <= MaxItems }) yield return new("targets", $"expected 1 to {MaxItems} placements");
        if (request.DataSizes is not { Count: <= MaxItems }) yield return new("data_sizes", $"expected at most {MaxItems} sizes");
        if (request.Hyperparameters?.Lora is { R: not null } or { TargetModules: not null })
            yield return new("hyperparameters.lora", "expected neither r nor target_modules: see ranks and targets");
    }
}
