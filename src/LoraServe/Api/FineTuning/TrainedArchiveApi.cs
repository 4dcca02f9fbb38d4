using System.ComponentModel;
using LoraServe.Api.Adapters;
using LoraServe.Engine;
using LoraServe.Engine.Adapters;
using LoraServe.Jobs;
using LoraServe.Keys;
using LoraServe.Training;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.FineTuning;

/// <summary>GET /v1/fine_tuning/jobs/{id}/archive: what a training made.</summary>
internal static class TrainedArchiveApi
{
    public static void MapTrainedArchive(this IEndpointRouteBuilder group) => group.MapGet("/{id}/archive", Get).ProducesArchive();

    /// <summary>Take away the adapter that a training made, as PEFT reads it.</summary>
    /// <remarks>It is what the training made, whatever its name points at now, and also after the name was deleted.</remarks>
    /// <param name="id" example="ftjob-3f9a1c2b7d4e3f9a1c2b7d4e">Id of the training.</param>
    /// <response code="200">The archive, its files at the top. Its ETag is the version.</response>
    /// <response code="304">If-None-Match names the version already.</response>
    /// <response code="400">The format is none, or the training has not succeeded.</response>
    /// <response code="404">The caller has no such training, or its result is not on this server any more.</response>
    internal static PushStreamHttpResult Get(
        HttpContext context,
        JobStore jobs,
        JobFolders folders,
        Caller caller,
        string id,
        [Description("tar.gz or zip.")] string format = ArchiveDownload.TarGz)
    {
        var packing = ArchiveDownload.Format(format);
        var job = jobs.Get(FineTuner.Kind, id, caller);
        if (job.Status != JobStatus.Succeeded)
            throw new JobStateException($"'{id}' is {JobStatusNames.Of(job.Status)}: only a training that succeeded has a result.");
        var state = job.ResultAs<FineTuningState>();
        try
        {
            // None of them is missing where a training has succeeded.
            var folder = Path.Combine(folders.Of(id), state.Folder!);
            return ArchiveDownload.Send(context, AdapterExport.Open(folder, state.Adapter!, new AdapterVersionId(state.Version!)), packing);
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UnknownJobException("fine_tuning.job.archive", id);
        }
    }
}
