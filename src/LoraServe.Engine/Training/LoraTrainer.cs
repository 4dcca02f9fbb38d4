using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Saving;

namespace LoraServe.Engine.Training;

/// <summary>
/// Trains and evaluates adapters on the weights that serve, in slices between the steps of an engine. One training at a time has the
/// engine; others that are started meanwhile wait.
/// </summary>
/// <param name="engine">Stays the caller's.</param>
public sealed partial class LoraTrainer(LlmEngine engine)
{
    /// <summary>Checks data and hyperparameters, and chooses what was left open. Reads and tokenises the files; touches no tensor.</summary>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public TrainingPlan Prepare(TrainingRequest request, CancellationToken cancellationToken = default) =>
        new TrainingPreparation(engine).Prepare(request, cancellationToken);

    /// <summary>What can be known to be wrong with hyperparameters before any file is read; empty if nothing is.</summary>
    /// <param name="hyperparameters">As they were asked for.</param>
    /// <param name="hasValidation">Whether there will be held-out data.</param>
    /// <returns>Each as "name: what was expected and what was found".</returns>
    public IReadOnlyList<string> FindFaults(Hyperparameters hyperparameters, bool hasValidation) =>
        new TrainingPreparation(engine).FindFaults(hyperparameters, hasValidation);

    /// <summary>What is wrong with hyperparameters on the data of a plan, its memory included.</summary>
    /// <param name="hyperparameters">As they were asked for.</param>
    /// <param name="plan">Of <see cref="Prepare"/>.</param>
    internal IReadOnlyList<string> FindFaults(Hyperparameters hyperparameters, TrainingPlan plan) =>
        new TrainingPreparation(engine).FindFaults(hyperparameters, plan.Training, plan.Validation);

    /// <summary>Reads a data set for <see cref="EvaluateAsync"/>.</summary>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public TrainingDataset ReadDataset(string file, bool skipTooLong, CancellationToken cancellationToken = default) =>
        new TrainingPreparation(engine).ReadDataset(file, skipTooLong, cancellationToken);

    /// <summary>Whether the folder holds a checkpoint that <see cref="RunAsync"/> would go on from.</summary>
    /// <param name="plan">Of <see cref="Prepare"/>.</param>
    public bool HasCheckpoint(TrainingPlan plan) =>
        new TrainerState(plan.Request.Folder, TrainingIdentity.Of(plan, engine.Model.Checksum)).Exists;

    /// <summary>The engine.</summary>
    internal LlmEngine Engine => engine;
}
