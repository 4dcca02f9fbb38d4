using System.Diagnostics.Metrics;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;

namespace LoraServe.Engine.Generation;

/// <summary>
/// What the engine's thread does, as instruments. Those that vLLM has too have its names, with a dot where Prometheus has a colon; a request
/// is there what a sequence is here.
/// </summary>
internal sealed class EngineMetrics
{
    private const string Adapter = "adapter";

    private static readonly int[] StepTokens = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384];
    private static readonly int[] Rows = [1, 2, 4, 8, 16, 32, 64];

    private static readonly double[] TokenSeconds =
        [.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];

    private readonly AdapterManager _adapters;
    private readonly Histogram<int> _stepTokens;
    private readonly Histogram<int> _rows;
    private readonly Histogram<double> _tokenLatency;
    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _generatedTokens;
    private readonly Counter<long> _merges;
    private readonly Counter<long> _unmerges;
    private readonly Counter<double> _mergeSeconds;

    private EngineMetrics(Meter meter, AdapterManager adapters)
    {
        _adapters = adapters;
        _stepTokens = meter.CreateHistogram(
            "vllm.iteration_tokens_total", null, "Tokens that a step of the engine computes.", advice: Buckets(StepTokens));
        _tokenLatency = meter.CreateHistogram(
            "vllm.inter_token_latency", "s", "Time between two tokens of a sequence.", advice: Buckets(TokenSeconds));
        _promptTokens = meter.CreateCounter<long>(
            "vllm.prompt_tokens", null, "Tokens of prompts that were prefilled or found in the prefix cache.");
        _generatedTokens = meter.CreateCounter<long>("vllm.generation_tokens", null, "Tokens that were generated.");
        _rows = meter.CreateHistogram(
            "loraserve.batch.rows", null, "Rows of an adapter in a step of the engine that it takes part in.", advice: Buckets(Rows));
        _merges = meter.CreateCounter<long>("loraserve.adapter.merges", null, "Merges of an adapter into weights beside the base.");
        _unmerges = meter.CreateCounter<long>("loraserve.adapter.unmerges", null, "Merged weights of an adapter that were let go.");
        _mergeSeconds = meter.CreateCounter<double>("loraserve.merge.time", "s", "Time that merges took of the engine's thread.");
    }

    /// <summary>Publishes what happens from now on.</summary>
    public static void Create(Meter meter, EngineLoop loop, MergeService merging, AdapterManager adapters)
    {
        var metrics = new EngineMetrics(meter, adapters);
        loop.Computed = metrics.ObserveStep;
        merging.Merged = metrics.ObserveMerge;
        merging.Unmerged = metrics.ObserveUnmerge;
    }

    private void ObserveStep(Batch batch, IReadOnlyList<SampledToken?> tokens)
    {
        _stepTokens.Record(batch.TokenCount);
        long prompt = 0;
        long generated = 0;
        var first = 0;
        for (var i = 0; i < batch.Rows.Count; i++)
        {
            var row = batch.Rows[i];
            var sequence = row.Sequence;
            if (tokens[i] is not null) generated++;
            if (tokens[i] is not null && sequence.Clock.SinceToken is { } latency) _tokenLatency.Record(latency.TotalSeconds);
            if (EndsPrompt(row, tokens[i])) prompt += sequence.PromptLength;
            // Rows of one adapter are adjacent.
            if (i + 1 < batch.Rows.Count && batch.Rows[i + 1].Sequence.AdapterVersion == sequence.AdapterVersion) continue;
            _rows.Record(i + 1 - first, new KeyValuePair<string, object?>(Adapter, _adapters.Labels.Of(sequence.Request.Adapter)));
            first = i + 1;
        }

        if (prompt > 0) _promptTokens.Add(prompt);
        if (generated > 0) _generatedTokens.Add(generated);
    }

    // A preempted sequence goes through the end of its prompt again, but chooses no first token there. The token is not yet the sequence's.
    private static bool EndsPrompt(BatchRow row, SampledToken? token) =>
        row.Start + row.Count == row.Sequence.PromptLength
        && (token is null ? row.Sequence is { MaxTokens: 0, HasEnded: false } : row.Sequence.GeneratedCount == 0);

    private void ObserveMerge(string version, TimeSpan spent)
    {
        _merges.Add(1, Of(version));
        _mergeSeconds.Add(spent.TotalSeconds);
    }

    private void ObserveUnmerge(string version) => _unmerges.Add(1, Of(version));

    private KeyValuePair<string, object?> Of(string version) =>
        new(Adapter, _adapters.NameOf(version) is { } name ? _adapters.Labels.Of(name) : AdapterLabels.Mix);

    private static InstrumentAdvice<T> Buckets<T>(T[] boundaries)
        where T : struct => new() { HistogramBucketBoundaries = boundaries };
}
