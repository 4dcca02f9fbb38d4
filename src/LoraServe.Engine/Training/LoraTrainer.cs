using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Runs;
using LoraServe.Engine.Training.Saving;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training;

/// <summary>
/// Trains and evaluates adapters on the weights that serve, in slices between the steps of an engine. One training at a time has the
/// engine; others wait.
/// </summary>
/// <param name="engine">Stays the caller's.</param>
public sealed class LoraTrainer(LlmEngine engine)
{
    private readonly Turns _turns = new();

    /// <summary>The engine that it trains on.</summary>
    public LlmEngine Engine => engine;

    /// <summary>Checks data and hyperparameters, and chooses those left open. Reads and tokenises the files; computes nothing.</summary>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public TrainingPlan Prepare(TrainingRequest request, CancellationToken cancellationToken = default)
    {
        var plan = new TrainingPreparation(engine).Prepare(request, cancellationToken);
        TrainerState.Of(plan, engine).CheckSame();
        return plan;
    }

    /// <summary>Faults of hyperparameters that can be found before any file is read; empty if there are none.</summary>
    /// <param name="hyperparameters">As requested.</param>
    /// <param name="hasValidation">Whether there will be held-out data.</param>
    /// <returns>Each as "name: what was expected and what was found".</returns>
    public IReadOnlyList<string> FindFaults(Hyperparameters hyperparameters, bool hasValidation) =>
        new TrainingPreparation(engine).FindFaults(hyperparameters, hasValidation);

    /// <summary>Faults of hyperparameters on the data of a plan, memory included.</summary>
    /// <param name="hyperparameters">As requested.</param>
    /// <param name="plan">Of <see cref="Prepare"/>.</param>
    internal IReadOnlyList<string> FindFaults(Hyperparameters hyperparameters, TrainingPlan plan) =>
        new TrainingPreparation(engine).FindFaults(hyperparameters, plan.Training, plan.Validation);

    /// <summary>Reads a data set for <see cref="EvaluateAsync"/>.</summary>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public TrainingDataset ReadDataset(string file, bool skipTooLong, CancellationToken cancellationToken = default) =>
        new DatasetFiles(engine).ReadForEvaluation(file, skipTooLong, cancellationToken);

    /// <summary>Whether the folder holds a checkpoint that <see cref="RunAsync"/> would resume from.</summary>
    /// <param name="plan">Of <see cref="Prepare"/>.</param>
    public bool HasCheckpoint(TrainingPlan plan) => TrainerState.Of(plan, engine).Exists;

    /// <summary>
    /// Trains to the end, or resumes from the checkpoint in the folder; a training that was killed ends with the same bits as one that was
    /// not, on one thread.
    /// </summary>
    /// <param name="plan">Of <see cref="Prepare"/>.</param>
    /// <param name="progress">Receives every event, in order, on one thread at a time.</param>
    /// <param name="cancellationToken">Ends it after the current slice, once a checkpoint of the last step is on disk.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the folder holds a checkpoint.</exception>
    /// <exception cref="InvalidTrainingException">The folder holds a checkpoint of another training.</exception>
    /// <exception cref="TrainingFailedException">The loss is not finite, or the folder cannot be written.</exception>
    /// <exception cref="EngineOverloadedException">The engine has been stopped; the folder holds the last checkpoint.</exception>
    public async Task<TrainingResult> RunAsync(TrainingPlan plan, IProgress<TrainingEvent> progress, CancellationToken cancellationToken)
    {
        try
        {
            using var turn = await _turns.TakeAsync(cancellationToken);
            return await new TrainingRun(engine, plan, RunFolder.Of(plan, engine), progress).GoOnAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (e is not (EngineOverloadedException or InvalidTrainingException or TrainingFailedException))
        {
            throw new TrainingFailedException(Reason(e, plan), e)
            {
                HasDiverged = e is GenerationFailedException { InnerException: NotFiniteNumberException },
            };
        }
    }

    /// <summary>
    /// Loss, token accuracy and exact match of an adapter, of a mix, or of the base, on a data set. It needs no turn: its examples go
    /// through the engine as requests do.
    /// </summary>
    /// <param name="adapter">Stays the caller's, and must be held until this completes.</param>
    /// <param name="data">Of <see cref="ReadDataset"/>.</param>
    /// <param name="generate">How many examples are generated, from the first on; 0 for none.</param>
    /// <param name="progress">Receives every example, in no order, one at a time.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ContextLengthExceededException">An example does not fit into the context or the KV cache.</exception>
    /// <exception cref="GenerationFailedException">The engine failed, as with logits that are NaN.</exception>
    /// <exception cref="EngineOverloadedException">The engine is shutting down.</exception>
    public Task<Evaluation> EvaluateAsync(
        AdapterLease adapter, TrainingDataset data, int generate, IProgress<ExampleResult>? progress, CancellationToken cancellationToken) =>
        EngineEvaluation.RunAsync(engine, adapter, data, generate, progress, cancellationToken);

    private string Reason(Exception e, TrainingPlan plan) => e switch
    {
        IOException or UnauthorizedAccessException =>
            $"{plan.Request.Folder} cannot be written: {e.Message} Make room or allow it, and start the training again"
            + (HasCheckpoint(plan) ? ": it goes on from its last checkpoint." : "."),
        GenerationFailedException { InnerException: NotFiniteNumberException } =>
            $"The training has diverged: what it has learned makes no distribution over tokens. Train with a lower learning rate. {e.Message}",
        GenerationFailedException => $"The validation data cannot be generated with what was trained. {e.Message}",
        ContextLengthExceededException => $"An example of the validation data cannot be generated. {e.Message}",
        _ => $"The training cannot go on: {e.Message}",
    };
}
