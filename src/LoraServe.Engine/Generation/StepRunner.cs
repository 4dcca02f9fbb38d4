using System.Diagnostics;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Generation;

/// <summary>Computes a batch: plans its weights, runs the model once for all rows, and samples the next token of each.</summary>
/// <param name="model">Runs the model.</param>
/// <param name="sampler">Chooses tokens.</param>
/// <param name="merging">Plans the weights, and learns from the step.</param>
/// <param name="metrics">Counts the step before a reader sees its tokens.</param>
/// <param name="logger">For its own log lines.</param>
internal sealed partial class StepRunner(ModelRunner model, Sampler sampler, MergeService merging, EngineMetrics metrics, ILogger logger)
{
    private readonly List<RowResult> _tokens = [];

    /// <summary>
    /// Runs a step. A row that cannot be sampled fails alone, and keeps its adapter until the step is completed: logits of other rows may be
    /// computed together with its own.
    /// </summary>
    /// <returns>A result for each row, valid until the next call.</returns>
    public IReadOnlyList<RowResult> Run(Batch batch)
    {
        var plan = merging.Plan(batch);
        var start = Stopwatch.GetTimestamp();
        var logits = model.Run(batch, plan.Adapters);
        merging.Observe(batch, plan, Stopwatch.GetElapsedTime(start));
        _tokens.Clear();
        for (var i = 0; i < batch.Rows.Count; i++) _tokens.Add(TrySample(batch.Rows[i], i, logits));
        metrics.Count(batch, _tokens);
        return _tokens;
    }

    private RowResult TrySample(BatchRow row, int index, BatchLogits logits)
    {
        try
        {
            return new RowResult(Sample(row, index, logits));
        }
        catch (Exception e)
        {
            LogSampleFailed(logger, e, row.Sequence.Id);
            return new RowResult(Token: null, NamingAdapter(e, row.Sequence.Request.Adapter));
        }
    }

    private SampledToken? Sample(BatchRow row, int index, BatchLogits logits)
    {
        var sequence = row.Sequence;
        for (var i = 0; i < row.PromptLogprobCount; i++)
        {
            var next = sequence.Tokens[row.Start + i + 1];
            sequence.AddPromptLogprobs(LogSoftmax.Logprobs(logits.Of(index, i), next, sequence.Request.Sampling.PromptLogprobs!.Value));
        }

        return row.SamplesToken ? sampler.Sample(logits.Of(index, row.LogitsCount - 1), sequence.SamplingState) : null;
    }

    // Only the adapter can be the reason where the base alone works, and only its name tells a person which one.
    private static Exception NamingAdapter(Exception error, AdapterLease adapter) => error is NotFiniteNumberException && !adapter.IsBase
        ? new GenerationFailedException($"Generation with the adapter '{adapter.Name}' failed: {error.Message}", error)
        : error;

    [LoggerMessage(LogLevel.Error, "Sampling for sequence {Sequence} failed; it is ended, the others go on")]
    private static partial void LogSampleFailed(ILogger logger, Exception exception, long sequence);
}
