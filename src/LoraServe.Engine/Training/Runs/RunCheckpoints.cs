using System.Diagnostics;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Saving;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Runs;

/// <summary>
/// What a training keeps on disk while it runs: states to resume from, and the trained parameters after steps that matter. Written off the
/// engine's thread, which must not wait for a disk; nothing else uses the tensors meanwhile.
/// </summary>
/// <param name="engine">Whose base is trained on.</param>
/// <param name="plan">The training.</param>
/// <param name="folder">Its folder.</param>
/// <param name="work">Counts the time of writing.</param>
internal sealed class RunCheckpoints(LlmEngine engine, TrainingPlan plan, RunFolder folder, EngineWork work)
{
    // Enough recent adapters to compare or promote, however long a training is. Whole models are large.
    private readonly int _kept = plan.Settings.Method == TrainingMethod.Full ? 0 : 10;

    private readonly TrainerState _state = TrainerState.Of(plan, engine);
    private int _savedStep;
    private int _writtenStep;

    /// <summary>Throws if the folder belongs to another training.</summary>
    /// <exception cref="InvalidTrainingException">It is.</exception>
    public void CheckSame() => _state.CheckSame();

    /// <summary>Path of the checkpoint of a step, which may be absent.</summary>
    public string PathOf(int step) => folder.CheckpointOf(step);

    /// <summary>Whether a step has a checkpoint.</summary>
    public bool Has(int step) => Directory.Exists(PathOf(step));

    /// <summary>Whether the complete state after a step is saved.</summary>
    public bool IsSaved(int step) => step == _savedStep;

    /// <summary>Loads the newest undamaged state into a learner.</summary>
    /// <param name="learner">New.</param>
    /// <param name="damaged">Receives a sentence for every damaged file.</param>
    /// <returns>Its progress; null if there is no state to resume from.</returns>
    public async Task<TrainingProgress?> LoadAsync(Learner learner, Action<string> damaged)
    {
        var damage = new List<string>();
        var saved = await Task.Run(() => _state.Load(learner.Model.Parameters, learner.Optimizer, damage.Add), CancellationToken.None);
        damage.ForEach(damaged);
        if (saved is null) return null;
        _savedStep = saved.Step;
        await work.RunNowAsync(() =>
        {
            learner.Model.Refresh();
            return 0;
        });
        return saved;
    }

    /// <summary>Writes a checkpoint.</summary>
    public Task WriteAsync(Learner learner, int step) => RunAsync(() => Write(learner, step));

    /// <summary>Marks the state after a step to be saved again, because its evaluation came later.</summary>
    public void Invalidate(int step)
    {
        if (_savedStep == step) _savedStep = 0;
    }

    /// <summary>Saves the state and a checkpoint.</summary>
    public async Task SaveAsync(Learner learner, TrainingProgress progress)
    {
        var step = progress.Step;
        await RunAsync(() =>
        {
            Write(learner, step);
            _state.Save(progress, learner.Model.Parameters, learner.Optimizer);
            folder.KeepOnly(_kept, step, progress.BestStep ?? step);
        });
        _savedStep = step;
    }

    /// <summary>Makes the checkpoint of a step the result.</summary>
    /// <param name="best">The step.</param>
    /// <param name="learner">In its latest state.</param>
    /// <param name="step">The step of that state.</param>
    /// <returns>The folder of the result.</returns>
    public async Task<string> PublishAsync(int best, Learner learner, int step)
    {
        var result = "";
        await RunAsync(() =>
        {
            // A training may have resumed from a state whose checkpoint is gone.
            if (best == step && !Has(best)) Write(learner, step);
            result = folder.Publish(best);
        });
        return result;
    }

    private void Write(Learner learner, int step)
    {
        if (step != _writtenStep || !Has(step)) folder.WriteCheckpoint(step, learner.Model.Parameters);
        _writtenStep = step;
    }

    private async Task RunAsync(Action write)
    {
        var start = Stopwatch.GetTimestamp();
        await Task.Run(write, CancellationToken.None);
        work.Add(Stopwatch.GetElapsedTime(start));
    }
}
