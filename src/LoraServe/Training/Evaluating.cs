using System.Diagnostics;
using System.Text.Json;
using LoraServe.Api;
using LoraServe.Api.Evaluations;
using LoraServe.Api.FineTuning;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Settings;
using LoraServe.Jobs;

namespace LoraServe.Training;

/// <summary>Evaluations as jobs. An interrupted evaluation resumes with the adapter it was evaluating.</summary>
internal sealed class Evaluating(JobStore store, JobFolders folders) : JobKind
{
    /// <summary>Their name in the API.</summary>
    public const string Kind = "evaluation";

    /// <summary>The name of the base model among adapters.</summary>
    public const string Base = "base";

    public override string Name => Kind;

    public override Task ValidateAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken) =>
        ReadAsync(job, trainer, cancellationToken);

    public override async Task<string> RunAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken)
    {
        var data = await ReadAsync(job, trainer, cancellationToken);
        var request = job.RequestAs<EvaluationOrder>().Request;
        var results = job.ResultAs<EvaluationState>().Results.ToList();
        foreach (var adapter in request.Adapters!.Skip(results.Count))
        {
            var start = Stopwatch.GetTimestamp();
            using var lease = await AcquireAsync(adapter, trainer.Engine, cancellationToken);
            var evaluation = await trainer.EvaluateAsync(lease, data, request.Generate, progress: null, cancellationToken);
            results.Add(new EvaluationResult
            {
                Adapter = adapter,
                Version = lease.Version.Value,
                Figures = FiguresResource.From(evaluation.Figures),
                Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds,
                Examples = [.. evaluation.Examples.Take(request.Examples).Select(EvaluatedExample.From)],
            });
            store.Change(job.Id, found => found with { Result = Serialize(results) });
        }

        return Serialize(results);
    }

    public override void Tidy(StoredJob job)
    {
        if (Directory.Exists(folders.Of(job.Id))) File.Delete(EvaluationOrder.Data(folders.Of(job.Id)));
    }

    /// <summary>The adapter that a text names; null for the base.</summary>
    public static AdapterReference? Parse(string text, string baseModel) =>
        text == Base || text == baseModel ? null : AdapterReference.Parse(text);

    private async Task<TrainingDataset> ReadAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken)
    {
        var order = job.RequestAs<EvaluationOrder>();
        var path = EvaluationOrder.Data(folders.Of(job.Id));
        try
        {
            return await Task.Run(() => trainer.ReadDataset(path, order.Request.SkipTooLong, cancellationToken), cancellationToken);
        }
        catch (InvalidTrainingException e)
        {
            throw TrainingFaults.Explain(e, (path, order.FileName, "file"));
        }
    }

    private static async Task<AdapterLease> AcquireAsync(string adapter, LlmEngine engine, CancellationToken cancellationToken) =>
        Parse(adapter, engine.Model.Name) is { } reference
            ? await engine.Adapters.AcquireCurrentAsync(reference, cancellationToken)
            : AdapterLease.Base();

    private static string Serialize(List<EvaluationResult> results) =>
        JsonSerializer.Serialize(new EvaluationState { Results = results }, ApiJson.Options);
}
