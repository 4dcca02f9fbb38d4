using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LoraServe.Api.Requests;
using LoraServe.Jobs;
using LoraServe.Keys;
using LoraServe.Text.Faults;
using LoraServe.Training;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.FineTuning;

/// <summary>The events and checkpoints of trainings. OpenAI's API.</summary>
internal static class TrainingHistoryApi
{
    private const int MaxLimit = 1000;

    public static void MapTrainingHistory(this IEndpointRouteBuilder group)
    {
        group.MapGet("/{id}/events", ListEvents).ProducesErrors();
        group.MapGet("/{id}/checkpoints", ListCheckpoints).ProducesErrors();
    }

    /// <summary>What happened to a training, the newest first: messages, and the figures of every step.</summary>
    /// <param name="id" example="ftjob-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The events.</response>
    /// <response code="400">A parameter is wrong.</response>
    /// <response code="404">The caller has no such job.</response>
    internal static Ok<FineTuningEventList> ListEvents(
        JobStore jobs,
        Caller caller,
        string id,
        [Description("Most events to return."), Range(1, MaxLimit)] int limit = 20,
        [Description("Only events older than the one with this id.")] string? after = null)
    {
        PageLimit.Check(limit, MaxLimit);
        var job = jobs.Get(FineTuner.Kind, id, caller);
        long? before = after is null ? null : FineTuningEventResource.TryParse(after)
            ?? throw new InvalidRequestException("after", $"expected the id of an event, such as ftevent-42, found '{FaultText.Shorten(after)}'");
        var page = jobs.Events(job.Id, before, limit);
        return TypedResults.Ok(new FineTuningEventList
        {
            Data = [.. page.Items.Select(FineTuningEventResource.From)],
            HasMore = page.HasMore,
        });
    }

    /// <summary>The checkpoints of a training, the latest step first.</summary>
    /// <param name="id" example="ftjob-3f9a1c2b7d4e3f9a1c2b7d4e">Its id.</param>
    /// <response code="200">The checkpoints.</response>
    /// <response code="400">A parameter is wrong.</response>
    /// <response code="404">The caller has no such job, or the job no checkpoint of the id in after.</response>
    internal static Ok<FineTuningCheckpointList> ListCheckpoints(
        JobStore jobs,
        Caller caller,
        string id,
        [Description("Most checkpoints to return."), Range(1, MaxLimit)] int limit = 10,
        [Description("Only checkpoints before the one with this id.")] string? after = null)
    {
        PageLimit.Check(limit, MaxLimit);
        var job = jobs.Get(FineTuner.Kind, id, caller);
        var checkpoints = jobs.Checkpoints(job.Id).ToList();
        if (after is not null)
        {
            var found = checkpoints.FindIndex(checkpoint => FineTuningCheckpointResource.IdOf(job, checkpoint) == after);
            if (found < 0) throw new UnknownJobException("fine_tuning.job.checkpoint", after);
            checkpoints.RemoveRange(0, found + 1);
        }

        return TypedResults.Ok(new FineTuningCheckpointList
        {
            Data =
            [
                .. checkpoints.Take(limit).Select(checkpoint => FineTuningCheckpointResource.From(
                    job, checkpoint, StepFigures.Of(checkpoint.Step, jobs.StepEvents(job.Id, checkpoint.Step)))),
            ],
            HasMore = checkpoints.Count > limit,
        });
    }

    private static void ProducesErrors(this RouteHandlerBuilder route) => route
        .Produces<ErrorResponse>(StatusCodes.Status400BadRequest)
        .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
}
