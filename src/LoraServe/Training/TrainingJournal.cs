using System.Text.Json.Nodes;
using LoraServe.Api.FineTuning;
using LoraServe.Engine.Training.Results;
using LoraServe.Jobs;

namespace LoraServe.Training;

/// <summary>
/// Records a training's progress as events and checkpoints of its job. Steps are written every second; steps lost in a kill are repeated.
/// </summary>
internal sealed partial class TrainingJournal(JobStore store, TrainingMetrics metrics, TrainingJournal.Run run, TimeProvider time, ILogger log)
    : IProgress<TrainingEvent>
{
    private static readonly TimeSpan WritePeriod = TimeSpan.FromSeconds(1);

    private readonly List<JobEvent> _pending = [];
    private DateTimeOffset _written;
    private int? _firstStep;
    private bool _isFirstWritten;

    // UTC ticks, read by requests at any time; 0 while unknown.
    private long _estimatedFinish;
    private (int Step, DateTimeOffset Time)? _start;

    /// <summary>
    /// The estimated end, from the speed since the training started or resumed; null while unknown.
    /// </summary>
    public DateTimeOffset? EstimatedFinish =>
        Volatile.Read(ref _estimatedFinish) is var ticks and not 0 ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    public void Report(TrainingEvent value)
    {
        switch (value)
        {
            case StepMade step:
                _firstStep ??= step.Step;
                Estimate(step.Step);
                metrics.RecordStep(step.Tokens, step.Elapsed);
                Add(step.Step, $"Step {step.Step}/{run.Steps}: training loss={step.Loss:0.0000}", Figures(step));
                break;
            case Evaluated evaluated:
                Add(evaluated.Step, Describe(evaluated), Figures(evaluated));
                break;
            case CheckpointSaved checkpoint:
                Write(() => Add(checkpoint));
                break;
            case Note note:
                Add(step: null, note.Text, data: null);
                break;
        }

        if (value is not StepMade || time.GetUtcNow() - _written > WritePeriod) Flush();
    }

    /// <summary>Writes pending events.</summary>
    public void Flush()
    {
        _written = time.GetUtcNow();
        if (_pending.Count == 0) return;
        Write(() =>
        {
            store.AddEvents(run.JobId, _pending, _isFirstWritten ? null : _firstStep);
            _isFirstWritten |= _firstStep is not null;
        });
        _pending.Clear();
    }

    private void Add(CheckpointSaved checkpoint)
    {
        if (store.AddCheckpoint(run.JobId, checkpoint.Step, Path.GetRelativePath(run.Folder, checkpoint.AdapterFolder)))
            Add(checkpoint.Step, $"Checkpoint created at step {checkpoint.Step}", data: null);
        var gone = store.Checkpoints(run.JobId).Where(row => !Directory.Exists(Path.Combine(run.Folder, row.Folder))).Select(row => row.Step).ToList();
        if (gone.Count > 0) store.RemoveCheckpoints(run.JobId, gone);
    }

    private void Add(int? step, string message, JsonObject? data) =>
        _pending.Add(new JobEvent(message) { Time = time.GetUtcNow(), Step = step, Data = data });

    private void Estimate(int step)
    {
        var now = time.GetUtcNow();
        if (_start is { } start && step > start.Step)
            Volatile.Write(ref _estimatedFinish, (now + ((now - start.Time) / (step - start.Step) * Math.Max(0, run.Steps - step))).UtcTicks);
        else
            _start = (step, now);
    }

    private string Describe(Evaluated evaluated)
    {
        var figures = evaluated.Figures;
        var match = figures.ExactMatch is { } exact ? $", exact match={exact:0.0000}" : "";
        return $"Step {evaluated.Step}/{run.Steps}: validation loss={figures.Loss:0.0000}, "
            + $"token accuracy={figures.TokenAccuracy:0.0000}{match}{evaluated.Verdict}";
    }

    private JsonObject Figures(StepMade step) => new()
    {
        ["step"] = step.Step,
        ["total_steps"] = run.Steps,
        [StepFigures.TrainLoss] = FiguresResource.Finite(step.Loss),
        [StepFigures.TrainAccuracy] = FiguresResource.Finite(step.TokenAccuracy),
        ["learning_rate"] = FiguresResource.Finite(step.LearningRate),
        ["gradient_norm"] = FiguresResource.Finite(step.GradientNorm),
        ["tokens"] = step.Tokens,
        ["seconds"] = step.Elapsed.TotalSeconds,
    };

    private JsonObject Figures(Evaluated evaluated) => new()
    {
        ["step"] = evaluated.Step,
        ["total_steps"] = run.Steps,
        [StepFigures.ValidLoss] = FiguresResource.Finite(evaluated.Figures.Loss),
        [StepFigures.ValidAccuracy] = FiguresResource.Finite(evaluated.Figures.TokenAccuracy),
        [StepFigures.ValidExactMatch] = evaluated.Figures.ExactMatch,
        [StepFigures.Examples] = evaluated.Figures.Examples,
        [StepFigures.GeneratedExamples] = evaluated.Figures.GeneratedExamples,
        ["is_best"] = evaluated.IsBest,
    };

    // The training matters more than its journal.
    private void Write(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e)
        {
            LogLost(run.JobId, e.Message);
        }
    }

    private void LogLost(string job, string reason) => LogLost(log, job, reason);

    [LoggerMessage(LogLevel.Warning, "Events of {Job} are lost: {Reason}")]
    private static partial void LogLost(ILogger logger, string job, string reason);

    /// <summary>The job a training runs for.</summary>
    /// <param name="JobId">The job.</param>
    /// <param name="Folder">The job's folder.</param>
    /// <param name="Steps">All steps of the training.</param>
    internal sealed record Run(string JobId, string Folder, int Steps);
}
