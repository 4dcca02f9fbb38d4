using System.Text.Json.Nodes;
using LoraServe.Api.Requests;
using LoraServe.Hosting;
using LoraServe.Jobs;
using LoraServe.Jobs.Storage;
using LoraServe.Keys;
using LoraServe.Training;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.FineTuning;

/// <summary>Moves names to what trainings made, if it is good enough.</summary>
internal static class PromotionApi
{
    private static JsonObject Example => new()
    {
        ["alias"] = "summarize",
        ["if"] = new JsonObject { ["exact_match"] = ">=0.9", ["loss"] = "<0.1" },
    };

    public static void MapPromotion(this IEndpointRouteBuilder group)
    {
        group.MapPost("/{id}/promote", PromoteAsync).WithPromotion();
        group.MapPost("/{id}/checkpoints/{checkpoint}/promote", PromoteCheckpointAsync).WithPromotion();
    }

    /// <summary>Point a name at what a training made, if its figures on held-out examples are good enough.</summary>
    /// <remarks>
    /// Either every condition holds and the name moves, or it stays where it is. Requests that run finish on the version that the name had;
    /// rollback brings it back. The key needs adapters:write too, and has to allow the name.
    /// </remarks>
    /// <param name="id" example="ftjob-3f9a1c2b7d4e3f9a1c2b7d4e">Id of the training.</param>
    /// <response code="200">The name points at the version.</response>
    /// <response code="400">A field is wrong, or the training has not succeeded.</response>
    /// <response code="404">The caller has no such training, or what it made is not on this server any more.</response>
    /// <response code="409">
    /// A condition does not hold or cannot be checked, or the name comes from the server's folder of adapters.
    /// </response>
    internal static async Task<Ok<PromotionResource>> PromoteAsync(
        HttpContext context, JobStore jobs, JobFolders folders, Promotions promotions, LoraServeOptions options, string id)
    {
        var (request, conditions) = await ReadAsync(context, options, isRequired: true);
        var job = jobs.Get(FineTuner.Kind, id, context.User.Caller());
        if (job.Status != JobStatus.Succeeded)
            throw new JobStateException($"'{id}' is {JobStatusNames.Of(job.Status)}: only a training that succeeded can be promoted.");
        var state = job.ResultAs<FineTuningState>();
        var folder = Path.Combine(folders.Of(id), state.Folder!);
        return TypedResults.Ok(await promotions.PromoteAsync(
            context, job, request.Alias ?? state.Adapter!, folder, state.BestStep!.Value, state.Validation, conditions));
    }

    /// <summary>Point a name at a checkpoint of a training, if its figures on held-out examples are good enough.</summary>
    /// <remarks>Without an alias, it gets the name of its fine_tuned_model_checkpoint. The training need not have ended.</remarks>
    /// <param name="id" example="ftjob-3f9a1c2b7d4e3f9a1c2b7d4e">Id of the training.</param>
    /// <param name="checkpoint" example="ftckpt_3f9a1c2b7d4e3f9a1c2b7d4e-100">Id of the checkpoint, or its step.</param>
    /// <response code="200">The name points at the version.</response>
    /// <response code="400">A field is wrong.</response>
    /// <response code="404">The caller has no such training, or it has no such checkpoint any more.</response>
    /// <response code="409">
    /// A condition does not hold or cannot be checked, or the name comes from the server's folder of adapters.
    /// </response>
    internal static async Task<Ok<PromotionResource>> PromoteCheckpointAsync(
        HttpContext context,
        JobStore jobs,
        JobFolders folders,
        Promotions promotions,
        LoraServeOptions options,
        string id,
        string checkpoint)
    {
        var (request, conditions) = await ReadAsync(context, options, isRequired: false);
        var job = jobs.Get(FineTuner.Kind, id, context.User.Caller());
        var found = Find(job, jobs.Checkpoints(id), checkpoint);
        var folder = found is null ? null : Path.Combine(folders.Of(id), found.Folder);
        if (found is null || !Directory.Exists(folder)) throw new UnknownJobException("fine_tuning.job.checkpoint", checkpoint);
        var figures = StepFigures.Of(found.Step, jobs.StepEvents(id, found.Step));
        var alias = request.Alias ?? CheckpointNames.Of(job.RequestAs<FineTuningOrder>().Adapter, found.Step);
        return TypedResults.Ok(await promotions.PromoteAsync(context, job, alias, folder!, found.Step, figures.Validation, conditions));
    }

    private static CheckpointRow? Find(StoredJob job, IEnumerable<CheckpointRow> checkpoints, string text) => checkpoints
        .FirstOrDefault(checkpoint => $"{checkpoint.Step}" == text || FineTuningCheckpointResource.IdOf(job, checkpoint) == text);

    private static async Task<(PromotionRequest Request, PromotionConditions Conditions)> ReadAsync(
        HttpContext context, LoraServeOptions options, bool isRequired)
    {
        RequestSize.Limit(context, options.MaxRequestSize);
        var request = await RequestReader.ReadAsync(context.Request, new PromotionRequest(), isRequired, context.RequestAborted);
        return (request, PromotionConditions.Parse(request.If));
    }

    private static void WithPromotion(this RouteHandlerBuilder route) => route
        .RequireScope(KeyScope.AdaptersWrite)
        .RequireEngine()
        .WithJsonBody<PromotionRequest>(Example)
        .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
        .Produces<ErrorResponse>(StatusCodes.Status404NotFound)
        .Produces<ErrorResponse>(StatusCodes.Status409Conflict)
        .Produces<ErrorResponse>(StatusCodes.Status413PayloadTooLarge);
}
