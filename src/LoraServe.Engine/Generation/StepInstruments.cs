using System.Diagnostics.Metrics;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Scheduling;

namespace LoraServe.Engine.Generation;

/// <summary>
/// The instruments of a step. Those that vLLM has too have its names, with a dot where Prometheus has a colon; a request is there what a sequence
/// is here.
/// </summary>
internal sealed class StepInstruments
{
    private const string Adapter = "adapter";

    private static readonly int[] StepTokens = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384];
    private static readonly int[] Rows = [1, 2, 4, 8, 16, 32, 64];

    private static readonly double[] TokenSeconds =
        [.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];

    private readonly AdapterLabels _labels;
    private readonly Histogram<int> _stepTokens;
    private readonly Histogram<int> _rows;
    private readonly Histogram<double> _tokenLatency;
    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _generatedTokens;

    /// <param name="meter">Its meter.</param>
    /// <param name="labels">Of adapters' names.</param>
    public StepInstruments(Meter meter, AdapterLabels labels)
    {
        _labels = labels;
        _stepTokens = meter.CreateHistogram(
            "vllm.iteration_tokens_total", null, "Tokens that a step of the engine computes.", advice: Buckets(StepTokens));
        _tokenLatency = meter.CreateHistogram(
            "vllm.inter_token_latency", "s", "Time between two tokens of a sequence.", advice: Buckets(TokenSeconds));
        _promptTokens = meter.CreateCounter<long>(
            "vllm.prompt_tokens", null, "Tokens of prompts that were prefilled or found in the prefix cache.");
        _generatedTokens = meter.CreateCounter<long>("vllm.generation_tokens", null, "Tokens that were generated.");
        _rows = meter.CreateHistogram(
            "loraserve.batch.rows", null, "Rows of an adapter in a step of the engine that it takes part in.", advice: Buckets(Rows));
    }

    /// <summary>Records a step.</summary>
    /// <param name="batch">What was computed.</param>
    /// <param name="tokens">One for each row, not yet given to the sequences.</param>
    public void Record(Batch batch, IReadOnlyList<RowResult> tokens)
    {
        _stepTokens.Record(batch.TokenCount);
        long prompt = 0;
        long generated = 0;
        var first = 0;
        for (var i = 0; i < batch.Rows.Count; i++)
        {
            var row = batch.Rows[i];
            var sequence = row.Sequence;
            if (tokens[i].Token is not null) generated++;
            if (tokens[i].Token is not null && sequence.Clock.SinceToken is { } latency) _tokenLatency.Record(latency.TotalSeconds);
            if (EndsPrompt(row, tokens[i])) prompt += sequence.PromptLength;
            // Rows of one adapter are adjacent.
            if (i + 1 < batch.Rows.Count && batch.Rows[i + 1].Sequence.AdapterVersion == sequence.AdapterVersion) continue;
            _rows.Record(i + 1 - first, new KeyValuePair<string, object?>(Adapter, _labels.Of(sequence.Request.Adapter)));
            first = i + 1;
        }

        if (prompt > 0) _promptTokens.Add(prompt);
        if (generated > 0) _generatedTokens.Add(generated);
    }

    // A preempted sequence reaches the end of its prompt again, but chooses no first token there.
    private static bool EndsPrompt(BatchRow row, RowResult result) =>
        row.Start + row.Count == row.Sequence.PromptLength
        && result.Error is null
        && (result.Token is null ? row.Sequence.MaxTokens == 0 : row.Sequence.GeneratedCount == 0);

    private static InstrumentAdvice<T> Buckets<T>(T[] boundaries)
        where T : struct => new() { HistogramBucketBoundaries = boundaries };
}
