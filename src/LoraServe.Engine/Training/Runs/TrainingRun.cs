using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Optimization;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Saving;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Runs;

/// <summary>
/// Runs a training from its last checkpoint until it ends or is cancelled. What follows a step depends on the step and the state saved with it
/// alone, so that interruptions change nothing.
/// </summary>
internal sealed class TrainingRun
{
    private readonly LlmEngine _engine;
    private readonly TrainingSettings _settings;
    private readonly IProgress<TrainingEvent> _events;
    private readonly EngineWork _work;
    private readonly TrainingBatches _batches;
    private readonly HeldOutEvaluation? _heldOut;
    private readonly BaseIntegrity _base;
    private readonly RunCheckpoints _checkpoints;
    private Learner? _learner;
    private TrainingProgress _progress = new() { Step = 0 };
    private TimeSpan _elapsedBefore;
    private bool _isUpdating;

    /// <param name="engine">Provides its thread and its base.</param>
    /// <param name="plan">The training.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="events">Receives every event.</param>
    public TrainingRun(LlmEngine engine, TrainingPlan plan, RunFolder folder, IProgress<TrainingEvent> events)
    {
        (_engine, _settings, _events) = (engine, plan.Settings, events);
        _work = new EngineWork(engine);
        _batches = new TrainingBatches(plan.Training.Examples, _settings.BatchSize, _settings.MicroBatchTokens, _settings.Seed);
        _heldOut = plan.Validation is { } validation ? new HeldOutEvaluation(engine, _work, validation, _settings) : null;
        _base = new BaseIntegrity(engine, _work);
        _checkpoints = new RunCheckpoints(engine, plan, folder, _work);
    }

    private bool StopsEarly => _settings.EarlyStopping > 0 && _progress.EvaluationsSinceBest >= _settings.EarlyStopping;

    private TimeSpan Elapsed => _elapsedBefore + _work.Elapsed;

    private bool IsEnd => _progress.Step >= _settings.Steps || StopsEarly;

    /// <summary>Trains.</summary>
    /// <returns>How it ended.</returns>
    public async Task<TrainingResult> GoOnAsync(CancellationToken cancellationToken)
    {
        try
        {
            await BeginAsync(cancellationToken);
            return await TrainAsync(cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or EngineOverloadedException)
        {
            await SaveAsync();
            throw;
        }
        finally
        {
            if (_learner is not null) await _work.FreeAsync(_learner);
        }
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        _checkpoints.CheckSame();
        await _base.CheckAsync(cancellationToken);
        _learner = await _work.RunAsync(() => new Learner(_engine.BaseModel, _engine.Model.MaxModelLen, _settings), cancellationToken);
        if (await _checkpoints.LoadAsync(_learner, damaged => _events.Report(new Note(damaged))) is not { } saved) return;

        (_progress, _elapsedBefore) = (saved, saved.Elapsed);
        if (saved.BestStep is { } best && !_checkpoints.Has(best))
        {
            _events.Report(new Note($"The checkpoint of step {best}, the best so far, is gone: the best is chosen among the steps from here on."));
            _progress = saved with { BestStep = null, Best = null, EvaluationsSinceBest = 0 };
        }

        // The listener may have been killed before it received the event.
        if (_checkpoints.Has(saved.Step)) _events.Report(new CheckpointSaved(saved.Step, _checkpoints.PathOf(saved.Step)));
        _events.Report(new Note($"Goes on from the checkpoint after step {saved.Step} of {_settings.Steps}."));
    }

    private async Task<TrainingResult> TrainAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await EvaluateIfDueAsync(cancellationToken);
            if (IsEnd || _progress.Step % _settings.CheckpointEvery == 0) await SaveAsync();
            if (IsEnd) return await EndAsync(cancellationToken);
            await StepAsync(cancellationToken);
        }
    }

    private async Task StepAsync(CancellationToken cancellationToken)
    {
        var (index, elapsed) = (_progress.Step, _work.Elapsed);
        var passes = _batches.Step(index);
        var learningRate = LearningRate.At(_settings, index);
        var gradient = _learner!.Differentiate(index, passes);
        await _work.RunAsync(gradient, cancellationToken);
        gradient.CheckFinite(learningRate);
        _isUpdating = true;
        await _work.FinishAsync(_learner.Update(learningRate, gradient.Norm), cancellationToken);
        _isUpdating = false;
        var tokens = passes.Sum(pass => (long)pass.Tokens.Count);
        _progress = _progress.AfterStep(gradient.Loss.Mean, tokens, Elapsed);
        _events.Report(new StepMade(
            index + 1, gradient.Loss.Mean, gradient.Loss.Accuracy, learningRate, gradient.Norm, tokens, _work.Elapsed - elapsed));
    }

    private async Task EvaluateIfDueAsync(CancellationToken cancellationToken)
    {
        var step = _progress.Step;
        if (_heldOut is null || step == 0 || step == _progress.EvaluatedStep) return;
        if (step < _settings.Steps && step % _settings.EvaluateEvery != 0) return;
        _events.Report(new EvaluationBegun(step));
        var figures = await _heldOut.RunAsync(_learner!, cancellationToken);
        if (!double.IsFinite(figures.Loss))
        {
            throw new TrainingFailedException(
                $"After step {step}, the loss of the validation data is {figures.Loss}: the training has diverged. Train with a lower learning rate.")
            {
                HasDiverged = true,
            };
        }

        var better = BestEvaluation.Compare(figures, _progress.Best);
        var isBest = better is not null;
        if (isBest) await _checkpoints.WriteAsync(_learner!, step);
        _progress = _progress.AfterEvaluation(figures, isBest, Elapsed);
        // The state of this step lacks its evaluation.
        _checkpoints.Invalidate(step);
        _events.Report(new Evaluated(step, figures, isBest) { By = better });
        if (StopsEarly && step < _settings.Steps)
        {
            _events.Report(new Note(
                $"Stops early after step {step} of {_settings.Steps}: for {_progress.EvaluationsSinceBest} evaluations, none was better than that "
                + $"of step {_progress.BestStep}, {Measure}."));
        }
    }

    private string Measure => _settings.ExactMatchExamples > 0
        ? "by exact match beyond its standard error, else by loss"
        : "by loss";

    // An interrupted update, as when the engine stops, leaves nothing worth saving.
    private async Task SaveAsync()
    {
        var step = _progress.Step;
        if (_learner is null || step == 0 || _checkpoints.IsSaved(step) || _isUpdating) return;
        _events.Report(new CheckpointBegun(step));
        await _checkpoints.SaveAsync(_learner, _progress);
        _events.Report(new CheckpointSaved(step, _checkpoints.PathOf(step)));
    }

    private async Task<TrainingResult> EndAsync(CancellationToken cancellationToken)
    {
        _events.Report(new EndBegun());
        await _base.CheckAsync(cancellationToken);
        var best = _progress.BestStep ?? _progress.Step;
        var folder = await _checkpoints.PublishAsync(best, _learner!, _progress.Step);
        return new TrainingResult
        {
            Folder = folder,
            Steps = _progress.Step,
            BestStep = best,
            TrainingLoss = _progress.RecentLosses.DefaultIfEmpty().Average(),
            Validation = _progress.Best,
            Tokens = _progress.Tokens,
            Elapsed = Elapsed,
        };
    }
}
