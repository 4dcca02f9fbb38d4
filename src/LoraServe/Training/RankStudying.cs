using System.Text.Json;
using LoraServe.Api;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Ranks;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using LoraServe.Jobs;
using LoraServe.Plots;
using LoraServe.Reports;

namespace LoraServe.Training;

/// <summary>Rank studies as jobs. An interrupted study resumes with the training it was running.</summary>
internal sealed class RankStudying(JobStore store, JobFolders folders) : JobKind
{
    /// <summary>Their name in the API.</summary>
    public const string Kind = "rank_study";

    public override string Name => Kind;

    public override Task ValidateAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken) => ExplainedAsync(job, async () =>
    {
        var study = new RankStudy(trainer);
        var order = job.RequestAs<RankStudyOrder>().ToEngine(folders.Of(job.Id));
        var rules = await Task.Run(() => study.Check(order, cancellationToken), cancellationToken);
        store.AddEvents(job.Id, [.. rules.Select(rule => new JobEvent(rule))]);
        return true;
    });

    public override Task<string> RunAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken) => ExplainedAsync(job, async () =>
    {
        var folder = folders.Of(job.Id);
        var order = job.RequestAs<RankStudyOrder>();
        var state = job.ResultAs<RankStudyState>();
        var study = new RankStudy(trainer);
        var result = await study.RunAsync(order.ToEngine(folder), new Relay<RankStudyProgress>(Note), cancellationToken);
        var origin = ReportOrigin.Of(trainer.Engine.Model, $"POST /v1/rank_studies {JsonSerializer.Serialize(order.Request, ApiJson.Options)}");
        var page = RankReport.Html(result, RankPlots.Of(result), origin);
        await File.WriteAllTextAsync(RankStudyOrder.Report(folder), page, cancellationToken);
        return Serialize(state with { Current = null, Result = result });

        void Note(RankStudyProgress progress)
        {
            if (progress.Event is Evaluated evaluated)
                store.AddEvents(job.Id, [new JobEvent($"{progress.Current}: held-out loss {evaluated.Figures.Loss:F4}")]);
            // Not written for every step, which would be too often.
            if ((state.Done, state.Total, state.Current) == (progress.Done, progress.Total, progress.Current)) return;
            state = state with { Done = progress.Done, Total = progress.Total, Current = progress.Current };
            store.Change(job.Id, found => found.IsFinished ? null : found with { Result = Serialize(state) });
        }
    });

    public override void Tidy(StoredJob job)
    {
        var folder = folders.Of(job.Id);
        if (!Directory.Exists(folder)) return;
        File.Delete(RankStudyOrder.Training(folder));
        File.Delete(RankStudyOrder.Test(folder));
        if (Directory.Exists(RankStudyOrder.Study(folder))) Directory.Delete(RankStudyOrder.Study(folder), recursive: true);
    }

    private async Task<T> ExplainedAsync<T>(StoredJob job, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (InvalidTrainingException e)
        {
            var (folder, order) = (folders.Of(job.Id), job.RequestAs<RankStudyOrder>());
            throw TrainingFaults.Explain(
                e,
                (RankStudyOrder.Training(folder), order.TrainingFileName, "training_file"),
                (RankStudyOrder.Test(folder), order.TestFileName, "test_file"));
        }
    }

    private static string Serialize(RankStudyState state) => JsonSerializer.Serialize(state, ApiJson.Options);
}
