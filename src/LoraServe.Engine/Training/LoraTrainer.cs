using LoraServe.Engine.Adapters;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Data;

namespace LoraServe.Engine.Training;

/// <summary>
/// Trains and evaluates adapters on the weights that serve, in slices between the steps of an engine. One training at a time has the
/// engine; others that are started meanwhile wait.
/// </summary>
/// <param name="engine">Stays the caller's.</param>
public sealed class LoraTrainer(LlmEngine engine)
{
    /// <summary>Checks data and hyperparameters, and chooses what was left open. Reads and tokenises the files; touches no tensor.</summary>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public TrainingPlan Prepare(TrainingRequest request) => throw new NotSupportedException("Training is being built.");

    /// <summary>Reads a data set for <see cref="EvaluateAsync"/>.</summary>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public TrainingDataset ReadDataset(string file, bool skipTooLong) => throw new NotSupportedException("Training is being built.");

    /// <summary>
    /// Trains to the end, or goes on from the checkpoint in the folder; a training that was killed ends with the same bits as one that was
    /// not, on one thread.
    /// </summary>
    /// <param name="plan">Of <see cref="Prepare"/>.</param>
    /// <param name="control">Holds it.</param>
    /// <param name="progress">Told of every event, in order, on one thread at a time.</param>
    /// <param name="cancellationToken">Ends it after the slice that is running, once a checkpoint of the last step is on the disk.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the folder holds a checkpoint.</exception>
    /// <exception cref="TrainingFailedException">The loss is not finite, or the folder cannot be written.</exception>
    /// <exception cref="EngineOverloadedException">The engine has been stopped; the folder holds the last checkpoint.</exception>
    public Task<TrainingResult> RunAsync(
        TrainingPlan plan, TrainingControl control, IProgress<TrainingEvent> progress, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Training is being built.");

    /// <summary>Loss, token accuracy and exact match of an adapter, or of the base, on a data set.</summary>
    /// <param name="adapter">Stays the caller's, and must be held until this completes.</param>
    /// <param name="data">Of <see cref="ReadDataset"/>.</param>
    /// <param name="generate">How many examples are generated, from the first on; 0 for none.</param>
    /// <param name="progress">Told of every example.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<Evaluation> EvaluateAsync(
        AdapterLease adapter, TrainingDataset data, int generate, IProgress<ExampleResult>? progress, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Training is being built.");

    /// <summary>The engine.</summary>
    internal LlmEngine Engine => engine;
}
