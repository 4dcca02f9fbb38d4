using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Runs;
using LoraServe.Engine.Training.Saving;

namespace LoraServe.Engine.Training;

/// <content>Running and evaluating.</content>
public sealed partial class LoraTrainer
{
    private readonly Turns _turns = new();

    /// <summary>
    /// Trains to the end, or goes on from the checkpoint in the folder; a training that was killed ends with the same bits as one that was
    /// not, on one thread.
    /// </summary>
    /// <param name="plan">Of <see cref="Prepare"/>.</param>
    /// <param name="progress">Told of every event, in order, on one thread at a time.</param>
    /// <param name="cancellationToken">Ends it after the slice that is running, once a checkpoint of the last step is on the disk.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the folder holds a checkpoint.</exception>
    /// <exception cref="InvalidTrainingException">The folder holds a checkpoint of another training.</exception>
    /// <exception cref="TrainingFailedException">The loss is not finite, or the folder cannot be written.</exception>
    /// <exception cref="EngineOverloadedException">The engine has been stopped; the folder holds the last checkpoint.</exception>
    public async Task<TrainingResult> RunAsync(TrainingPlan plan, IProgress<TrainingEvent> progress, CancellationToken cancellationToken)
    {
        try
        {
            using var turn = await _turns.TakeAsync(cancellationToken);
            return await new TrainingRun(engine, plan, Folder(plan), progress).GoOnAsync(cancellationToken);
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
    /// <param name="progress">Told of every example, in no order, one at a time.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ContextLengthExceededException">An example does not fit into the context or the KV cache.</exception>
    /// <exception cref="GenerationFailedException">The engine could not go on, as with logits that are no numbers.</exception>
    /// <exception cref="EngineOverloadedException">The engine is shutting down.</exception>
    public Task<Evaluation> EvaluateAsync(
        AdapterLease adapter, TrainingDataset data, int generate, IProgress<ExampleResult>? progress, CancellationToken cancellationToken) =>
        EngineEvaluation.RunAsync(engine, adapter, data, generate, progress, cancellationToken);

    private RunFolder Folder(TrainingPlan plan) => plan.Settings.Method == TrainingMethod.Full
        ? new RunFolder(plan.Request.Folder, "model", (folder, parameters) => WriteModel(folder, parameters, plan.Settings.OutputDtype))
        : new RunFolder(plan.Request.Folder, "adapter", (folder, parameters) => PeftWriter.Write(folder, parameters, plan.Settings, engine.Model.Name));

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
