using System.Text.Json;
using LoraServe.Api;
using LoraServe.Api.FineTuning;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using LoraServe.Files;
using LoraServe.Jobs;

namespace LoraServe.Training;

/// <summary>Trainings as jobs, on the engine that serves; the result joins the adapters it serves.</summary>
internal sealed class FineTuner(
    JobStore store, JobFolders folders, FileStore files, Lazy<TrainedAdapters> adapters, TrainingJournals journals)
    : JobKind
{
    /// <summary>Their name in the API.</summary>
    public const string Kind = "fine_tuning.job";

    public override string Name => Kind;

    /// <inheritdoc cref="TrainingJournals.EstimatedFinish"/>
    public DateTimeOffset? EstimatedFinish(string id) => journals.EstimatedFinish(id);

    public override async Task ValidateAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken)
    {
        var order = job.RequestAs<FineTuningOrder>();
        var plan = await PrepareAsync(job, order, trainer, cancellationToken);
        var warnings = plan.Training.Warnings.Concat(plan.Validation?.Warnings ?? []);
        store.Change(
            job.Id,
            found => found with { Result = Serialize(found.ResultAs<FineTuningState>().With(order, plan)) },
            [
                .. plan.Choices.Select(choice => new JobEvent(choice)),
                .. order.Request.Seed is null ? [new JobEvent($"seed {order.Seed}: that of every training that names none")] : Array.Empty<JobEvent>(),
                .. warnings.Select(warning => new JobEvent(warning) { Level = JobEventLevel.Warn }),
            ]);
    }

    public override async Task<string> RunAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken)
    {
        var order = job.RequestAs<FineTuningOrder>();
        var plan = await PrepareAsync(job, order, trainer, cancellationToken);
        var journal = journals.Begin(job.Id, plan.Settings.Steps);
        try
        {
            var result = await trainer.RunAsync(plan, journal, cancellationToken);
            journal.Flush();
            return Serialize(await FinishAsync(job, order, plan, result, cancellationToken));
        }
        finally
        {
            journals.End(job.Id);
        }
    }

    public override void Tidy(StoredJob job) => TrainingFiles.Tidy(folders.Of(job.Id));

    private async Task<FineTuningState> FinishAsync(
        StoredJob job,
        FineTuningOrder order,
        TrainingPlan plan,
        TrainingResult result,
        CancellationToken cancellationToken)
    {
        var validation = result.Validation is { } figures ? FiguresResource.From(figures) : null;
        // An interrupted finish may have left a state.
        var state = store.Find(job.Id)!.ResultAs<FineTuningState>().With(order, plan);
        if (state.ResultFile is null) Remember(state = state with { ResultFile = (await WriteFiguresAsync(job, cancellationToken)).Id });
        cancellationToken.ThrowIfCancellationRequested();
        // From here on it cannot be interrupted, so that the adapter's name and the job's state agree.
        if (!adapters.Value.Has(job, order.Adapter, state.Version))
        {
            var provenance = Provenance.Of(job.Id, state, result.BestStep, validation);
            await adapters.Value.AddAsync(
                job, order.Adapter, result.Folder, provenance, version => Remember(state = state with { Version = version }));
        }

        store.AddEvents(job.Id, [new JobEvent($"New fine-tuned model created: {order.Adapter}")]);
        return state with
        {
            Adapter = order.Adapter,
            Folder = Path.GetRelativePath(folders.Of(job.Id), result.Folder),
            TrainedTokens = result.Tokens,
            Steps = result.Steps,
            BestStep = result.BestStep,
            TrainingLoss = FiguresResource.Finite(result.TrainingLoss),
            ElapsedSeconds = result.Elapsed.TotalSeconds,
            Validation = validation,
        };

        void Remember(FineTuningState known) =>
            store.Change(job.Id, found => found.IsFinished ? null : found with { Result = Serialize(known) });
    }

    private async Task<StoredFile> WriteFiguresAsync(StoredJob job, CancellationToken cancellationToken)
    {
        var path = files.BeginFile();
        try
        {
            await File.WriteAllTextAsync(path, StepFigures.ToCsv(StepFigures.From(store.StepEvents(job.Id))), cancellationToken);
            return files.Add(path, file => file with { Owner = job.Owner, Name = "step_metrics.csv", Purpose = FilePurpose.Results });
        }
        finally
        {
            File.Delete(path);
        }
    }

    private async Task<TrainingPlan> PrepareAsync(
        StoredJob job, FineTuningOrder order, LoraTrainer trainer, CancellationToken cancellationToken)
    {
        var (folder, loaded) = (folders.Of(job.Id), trainer.Engine.Model);
        if (loaded.Fingerprint != order.BaseFingerprint)
        {
            throw new JobFailedException(new JobError(
                "base_changed",
                $"It was asked for on '{order.Request.Model}' of the fingerprint {order.BaseFingerprint}, and this server has loaded "
                    + $"'{loaded.Name}' of the fingerprint {loaded.Fingerprint}: ask for the training again, or start the server with that base.",
                "model"));
        }

        try
        {
            return await Task.Run(() => trainer.Prepare(order.ToEngine(folder), cancellationToken), cancellationToken);
        }
        catch (InvalidTrainingException e)
        {
            throw TrainingFaults.Explain(
                e,
                (TrainingFiles.Training(folder), order.TrainingFileName, "training_file"),
                (TrainingFiles.Validation(folder), order.ValidationFileName, "validation_file"));
        }
    }

    private static string Serialize(FineTuningState state) => JsonSerializer.Serialize(state, ApiJson.Options);
}
