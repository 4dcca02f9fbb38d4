using System.Diagnostics;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Runs;

/// <summary>Evaluates a training on its validation data.</summary>
/// <param name="engine">Generates.</param>
/// <param name="work">Computes losses.</param>
/// <param name="data">The validation data.</param>
/// <param name="settings">How much is generated.</param>
internal sealed class HeldOutEvaluation(LlmEngine engine, EngineWork work, TrainingDataset data, TrainingSettings settings)
{
    private static long _snapshots;

    private readonly IReadOnlyList<TrainingBatch> _passes =
        TrainingBatches.Passes(data.Examples.OrderByDescending(example => example.Tokens.Count), settings.MicroBatchTokens);

    /// <summary>Loss and token accuracy over all of it, exact match over its first examples.</summary>
    /// <exception cref="GenerationFailedException">The engine failed, as with logits that are not finite.</exception>
    /// <exception cref="EngineOverloadedException">The engine is shutting down.</exception>
    public async Task<EvaluationFigures> RunAsync(Learner learner, CancellationToken cancellationToken)
    {
        var evaluation = learner.Evaluate(_passes);
        await work.RunAsync(evaluation, cancellationToken);
        var count = Math.Min(settings.ExactMatchExamples, data.Examples.Count);
        double? exact = count == 0 ? null : (double)await MatchesAsync(learner, count, cancellationToken) / count;
        return new EvaluationFigures(evaluation.Loss.Mean, evaluation.Loss.Accuracy, exact, data.Examples.Count, count);
    }

    private async Task<int> MatchesAsync(Learner learner, int count, CancellationToken cancellationToken)
    {
        // Keys and values are cached by version, so that each snapshot needs one of its own.
        var version = $"training-{Interlocked.Increment(ref _snapshots)}";
        var adapter = await work.RunAsync(() => learner.Model.Snapshot(new AdapterVersionId(version)), cancellationToken);
        var start = Stopwatch.GetTimestamp();
        using var lease = Lease(adapter);
        var requests = new ExampleRequests(engine, lease);
        var matches = 0;
        await ExampleRequests.ForEachAsync(
            count,
            async (i, cancellation) =>
            {
                var output = await requests.CompleteAsync(data.Examples[i], cancellation);
                if (output == data.Examples[i].Completion) Interlocked.Increment(ref matches);
            },
            cancellationToken);
        work.Add(Stopwatch.GetElapsedTime(start));
        return matches;
    }

    // The engine disposes the leases of cancelled sequences later.
    private AdapterLease Lease(LoraAdapter adapter) => new(adapter, () => _ = work.FreeAsync(adapter)) { Name = "training" };
}
