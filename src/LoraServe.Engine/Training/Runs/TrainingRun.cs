using System.Diagnostics;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Optimization;
using LoraServe.Engine.Training.Saving;

namespace LoraServe.Engine.Training.Runs;

/// <summary>
/// A training from its last checkpoint on, until its end or until it is cancelled. What it does after a step is decided by the step and by what is
/// saved with it alone, so that interruptions, at whatever moment, change nothing.
/// </summary>
internal sealed class TrainingRun
{
    // Losses that the training loss is the mean of.
    private const int RecentLosses = 10;

    // Enough of the latest adapters to compare or promote, however long a training is.
    private const int KeptAdapters = 10;

    private readonly LlmEngine _engine;
    private readonly TrainingSettings _settings;
    private readonly IProgress<TrainingEvent> _events;
    private readonly SlicedWork _work;
    private readonly TrainingBatches _batches;
    private readonly HeldOutEvaluation? _heldOut;
    private readonly TrainerState _state;
    private readonly RunFolder _folder;
    private Learner? _learner;
    private TrainingProgress _progress = new() { Step = 0 };
    private TimeSpan _elapsedBefore;
    private int _savedStep;
    private int _writtenStep;
    private bool _isUpdating;

    /// <param name="engine">Lends its thread and its base.</param>
    /// <param name="plan">The training.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="events">Told of every event.</param>
    public TrainingRun(LlmEngine engine, TrainingPlan plan, RunFolder folder, IProgress<TrainingEvent> events)
    {
        (_engine, _settings, _folder, _events) = (engine, plan.Settings, folder, events);
        _work = new SlicedWork(engine);
        _batches = new TrainingBatches(plan.Training.Examples, _settings.BatchSize, _settings.MicroBatchTokens, _settings.Seed);
        _heldOut = plan.Validation is { } validation ? new HeldOutEvaluation(engine, _work, validation, _settings) : null;
        _state = new TrainerState(plan.Request.Folder, TrainingIdentity.Of(plan, engine.Model.Checksum));
    }

    private bool StopsEarly => _settings.EarlyStopping > 0 && _progress.EvaluationsSinceBest >= _settings.EarlyStopping;

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
        _state.CheckSame();
        await CheckBaseAsync(cancellationToken);
        _learner = await _work.RunAsync(() => new Learner(_engine.BaseModel, _engine.Model.MaxModelLen, _settings), cancellationToken);
        var damaged = new List<string>();
        var saved = await Task.Run(() => _state.Load(_learner.Model.Parameters, _learner.Optimizer, damaged.Add), CancellationToken.None);
        foreach (var note in damaged) _events.Report(new Note(note));
        if (saved is null) return;

        (_progress, _savedStep, _elapsedBefore) = (saved, saved.Step, saved.Elapsed);
        await _work.RunNowAsync(() =>
        {
            _learner.Model.Refresh();
            return 0;
        });
        if (saved.BestStep is { } best && !Directory.Exists(_folder.CheckpointOf(best)))
        {
            _events.Report(new Note($"The checkpoint of step {best}, the best so far, is gone: the best is chosen among the steps from here on."));
            _progress = saved with { BestStep = null, Best = null, EvaluationsSinceBest = 0 };
        }

        // Whoever listens may have been killed before it heard of it.
        if (Directory.Exists(_folder.CheckpointOf(saved.Step))) _events.Report(new CheckpointSaved(saved.Step, _folder.CheckpointOf(saved.Step)));
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
        var (passes, result) = (_batches.Step(index), new StepResult());
        var learningRate = LearningRate.At(_settings, index);
        await _work.RunAsync(_learner!.Differentiate(index, passes, result), cancellationToken);
        result.CheckFinite(index + 1, learningRate);
        _isUpdating = true;
        await _work.FinishAsync(_learner.Update(learningRate, result.GradientNorm), cancellationToken);
        _isUpdating = false;
        var tokens = passes.Sum(pass => (long)pass.Tokens.Count);
        _progress = _progress with
        {
            Step = index + 1,
            RecentLosses = [.. _progress.RecentLosses.Append(result.Loss.Mean).TakeLast(RecentLosses)],
            Tokens = _progress.Tokens + tokens,
            Elapsed = _elapsedBefore + _work.Elapsed,
        };
        _events.Report(new StepMade(
            index + 1, result.Loss.Mean, result.Loss.Accuracy, learningRate, result.GradientNorm, tokens, _work.Elapsed - elapsed));
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
        if (isBest) await WriteAsync(WriteCheckpoint);
        _progress = _progress with
        {
            EvaluatedStep = step,
            BestStep = isBest ? step : _progress.BestStep,
            Best = isBest ? figures : _progress.Best,
            EvaluationsSinceBest = isBest ? 0 : _progress.EvaluationsSinceBest + 1,
            Elapsed = _elapsedBefore + _work.Elapsed,
        };
        // The state of this step lacks its evaluation.
        if (_savedStep == step) _savedStep = 0;
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

    // An update that was cut off, as by the end of the engine, leaves nothing worth saving.
    private async Task SaveAsync()
    {
        var step = _progress.Step;
        if (_learner is null || step == 0 || step == _savedStep || _isUpdating) return;
        _events.Report(new CheckpointBegun(step));
        await WriteAsync(() =>
        {
            WriteCheckpoint();
            _state.Save(_progress, _learner.Model.Parameters, _learner.Optimizer);
            // Whole models are large.
            _folder.KeepOnly(_settings.Method == TrainingMethod.Full ? 0 : KeptAdapters, step, _progress.BestStep ?? step);
        });
        _savedStep = step;
        _events.Report(new CheckpointSaved(step, _folder.CheckpointOf(step)));
    }

    private void WriteCheckpoint()
    {
        var isThere = _progress.Step == _writtenStep && Directory.Exists(_folder.CheckpointOf(_progress.Step));
        if (!isThere) _folder.WriteCheckpoint(_progress.Step, _learner!.Model.Parameters);
        _writtenStep = _progress.Step;
    }

    private async Task<TrainingResult> EndAsync(CancellationToken cancellationToken)
    {
        _events.Report(new EndBegun());
        await CheckBaseAsync(cancellationToken);
        var best = _progress.BestStep ?? _progress.Step;
        var folder = "";
        await WriteAsync(() =>
        {
            // The state alone is enough to go on from.
            if (best == _progress.Step && !Directory.Exists(_folder.CheckpointOf(best))) WriteCheckpoint();
            folder = _folder.Publish(best);
        });
        return new TrainingResult
        {
            Folder = folder,
            Steps = _progress.Step,
            BestStep = best,
            TrainingLoss = _progress.RecentLosses.DefaultIfEmpty().Average(),
            Validation = _progress.Best,
            Tokens = _progress.Tokens,
            Elapsed = _elapsedBefore + _work.Elapsed,
        };
    }

    // Off the engine's thread, which is not to wait for a disk: nobody else uses the tensors while this is awaited.
    private async Task WriteAsync(Action write)
    {
        var start = Stopwatch.GetTimestamp();
        await Task.Run(write, CancellationToken.None);
        _work.Add(Stopwatch.GetElapsedTime(start));
    }

    private async Task CheckBaseAsync(CancellationToken cancellationToken)
    {
        using var checksum = _engine.BaseModel.Weights.BeginChecksum();
        await _work.RunAsync(Slices(), cancellationToken);
        if (checksum.Value != _engine.Model.Checksum)
        {
            throw new TrainingFailedException(
                $"The weights of the base have changed: their checksum is {checksum.Value}, and was {_engine.Model.Checksum} when they were "
                + "loaded. Start the server again, and have its memory checked.");
        }

        IEnumerable<Slice> Slices()
        {
            while (checksum.Advance()) yield return default;
        }
    }
}
