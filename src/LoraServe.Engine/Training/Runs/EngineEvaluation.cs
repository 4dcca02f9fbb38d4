using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Runs;

/// <summary>Evaluates an adapter, the base or a mix on a data set, through the engine as clients use it.</summary>
internal static class EngineEvaluation
{
    /// <summary>Loss, token accuracy and exact match.</summary>
    /// <param name="engine">Asked about every example.</param>
    /// <param name="adapter">Stays the caller's, and must be held until this completes.</param>
    /// <param name="data">The examples.</param>
    /// <param name="generate">How many examples are generated, from the first on; 0 for none.</param>
    /// <param name="progress">Receives every example, in no order, one at a time.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="GenerationFailedException">The engine failed, as with logits that are NaN.</exception>
    /// <exception cref="EngineOverloadedException">The engine is shutting down.</exception>
    public static async Task<Evaluation> RunAsync(
        LlmEngine engine,
        AdapterLease adapter,
        TrainingDataset data,
        int generate,
        IProgress<ExampleResult>? progress,
        CancellationToken cancellationToken)
    {
        var requests = new ExampleRequests(engine, adapter);
        var losses = new TargetLoss[data.Examples.Count];
        var results = new ExampleResult[data.Examples.Count];
        var reporting = new Lock();
        await ExampleRequests.ForEachAsync(
            results.Length,
            async (i, cancellation) =>
            {
                var example = data.Examples[i];
                losses[i] = await requests.LossAsync(example, cancellation);
                var output = i < generate ? await requests.CompleteAsync(example, cancellation) : null;
                results[i] = new ExampleResult(example.Line, losses[i].Mean, example.Completion, output);
                lock (reporting) progress?.Report(results[i]);
            },
            cancellationToken);
        // One after the other, so that the sum does not depend on which ended first.
        var total = losses.Aggregate((a, b) => a + b);
        var generated = results.Count(result => result.Output is not null);
        double? exact = generated == 0 ? null : (double)results.Count(result => result.IsExactMatch == true) / generated;
        return new Evaluation(new EvaluationFigures(total.Mean, total.Accuracy, exact, results.Length, generated), results);
    }
}
