using System.Diagnostics.Metrics;
using LoraServe.Engine.Adapters.Residency;

namespace LoraServe.Metrics;

/// <summary>Finished requests by adapter.</summary>
internal sealed class AdapterRequestMetrics
{
    private static readonly string[] Outcomes = ["ok", "abort", "error"];

    private readonly Counter<long> _requests;
    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _cachedTokens;
    private readonly Counter<long> _generatedTokens;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _queue;
    private readonly Histogram<double> _prefill;
    private readonly Histogram<double> _decode;

    public AdapterRequestMetrics(Meter meter)
    {
        _requests = meter.CreateCounter<long>("loraserve.requests", null, "Requests by adapter and outcome: ok, abort where the client left, error.");
        _promptTokens = meter.CreateCounter<long>("loraserve.prompt_tokens", null, "Tokens of prompts, as usage tells them.");
        _cachedTokens = meter.CreateCounter<long>("loraserve.cached_tokens", null, "Those of them that the prefix cache had.");
        _generatedTokens = meter.CreateCounter<long>("loraserve.generated_tokens", null, "Tokens of answers, as usage tells them.");
        _firstToken = Seconds("time_to_first_token", "From the arrival of a request to its first token.");
        _queue = Seconds("queue_time", "From submission to admission.");
        _prefill = Seconds("prefill_time", "From admission to the first token.");
        _decode = Seconds("decode_time", "From the first token to the end.");

        // A rate needs an earlier sample: without these zeros the first event would be lost.
        foreach (var outcome in Outcomes) _requests.Add(0, Adapter(AdapterLabels.Base), Outcome(outcome));

        Histogram<double> Seconds(string name, string description) =>
            meter.CreateHistogram($"loraserve.{name}", "s", description, advice: Buckets.AdapterSeconds);
    }

    /// <summary>Counts the first token of a choice.</summary>
    public void Record(FirstTokenReport report)
    {
        var adapter = Adapter(report.AdapterLabel);
        Record(_firstToken, report.TimeToFirstToken, adapter);
        Record(_queue, report.Times.Queue, adapter);
        Record(_prefill, report.Times.Prefill, adapter);
    }

    /// <summary>Counts a finished request, once for each adapter that it ran on.</summary>
    public void Record(GenerationReport report)
    {
        foreach (var column in report.Run.Columns)
        {
            var choices = report.Of(column);
            var error = GenerationReport.ErrorOf(choices);
            var adapter = Adapter(column.AdapterLabel);
            var usage = column.Usage;
            _requests.Add(1, adapter, Outcome(error ?? "ok"));
            _promptTokens.Add(usage.PromptTokens, adapter);
            _cachedTokens.Add(usage.PromptTokensDetails.CachedTokens, adapter);
            _generatedTokens.Add(usage.CompletionTokens, adapter);
            foreach (var choice in choices) Record(_decode, choice.Times.Decode, adapter);
        }
    }

    private static KeyValuePair<string, object?> Adapter(string label) => new("adapter", label);

    private static KeyValuePair<string, object?> Outcome(string outcome) => new("outcome", outcome);

    private static void Record(Histogram<double> histogram, TimeSpan? time, KeyValuePair<string, object?> adapter)
    {
        if (time is { } known) histogram.Record(known.TotalSeconds, adapter);
    }
}
