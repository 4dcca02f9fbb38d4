using System.Diagnostics.Metrics;

namespace LoraServe.Metrics;

/// <summary>vLLM's metrics of finished requests. A request in vLLM's sense is a choice here.</summary>
internal sealed class VllmMetrics
{
    private static readonly string[] Outcomes = ["stop", "length", "abort", "error"];

    private readonly Counter<long> _finished;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _perToken;
    private readonly Histogram<double> _total;
    private readonly Histogram<double> _queue;
    private readonly Histogram<double> _prefill;
    private readonly Histogram<double> _decode;
    private readonly Histogram<double> _inference;
    private readonly Histogram<double> _prompt;
    private readonly Histogram<double> _generated;
    private readonly Histogram<double> _choices;
    private readonly Histogram<double> _maxTokens;

    public VllmMetrics(Meter meter, int maxModelLen)
    {
        _finished = meter.CreateCounter<long>("vllm.request_success", null, "Finished choices by the reason of their end.");
        _firstToken = Seconds("time_to_first_token", "From the arrival of a request to its first token.", Buckets.FirstTokenSeconds);
        _perToken = Seconds("request_time_per_output_token", "Mean time between the tokens of a choice.", Buckets.TokenSeconds);
        _total = Seconds("e2e_request_latency", "From the arrival of a request to its end.", Buckets.RequestSeconds);
        _queue = Seconds("request_queue_time", "From submission to admission.", Buckets.RequestSeconds);
        _prefill = Seconds("request_prefill_time", "From admission to the first token.", Buckets.RequestSeconds);
        _decode = Seconds("request_decode_time", "From the first token to the end.", Buckets.RequestSeconds);
        _inference = Seconds("request_inference_time", "From admission to the end.", Buckets.RequestSeconds);
        _prompt = Numbers("request_prompt_tokens", "Tokens of the prompt of a choice.", Buckets.Tokens(maxModelLen));
        _generated = Numbers("request_generation_tokens", "Generated tokens of a choice.", Buckets.Tokens(maxModelLen));
        _choices = Numbers("request_params_n", "The parameter n of requests.", Buckets.Choices);
        _maxTokens = Numbers("request_params_max_tokens", "Most tokens that a choice could have.", Buckets.Tokens(maxModelLen));
        foreach (var outcome in Outcomes) _finished.Add(0, Reason(outcome));

        Histogram<double> Seconds(string name, string description, InstrumentAdvice<double> advice) =>
            meter.CreateHistogram($"vllm.{name}", "s", description, advice: advice);

        Histogram<double> Numbers(string name, string description, InstrumentAdvice<double> advice) =>
            meter.CreateHistogram($"vllm.{name}", null, description, advice: advice);
    }

    /// <summary>Counts the first token of a choice.</summary>
    public void Record(FirstTokenReport report)
    {
        Record(_firstToken, report.TimeToFirstToken);
        Record(_queue, report.Times.Queue);
        Record(_prefill, report.Times.Prefill);
    }

    /// <summary>Counts a finished request.</summary>
    public void Record(GenerationReport report)
    {
        _choices.Record(report.Parameters.N);
        foreach (var choice in report.Choices)
        {
            _finished.Add(1, Reason(choice.Outcome));
            _total.Record(choice.Total.TotalSeconds);
            Record(_perToken, choice.TimePerOutputToken);
            Record(_decode, choice.Times.Decode);
            Record(_inference, choice.Times.Inference);
            _prompt.Record(choice.Choice.PromptTokens);
            _generated.Record(choice.Choice.GeneratedTokens);
            _maxTokens.Record(choice.Choice.MaxTokens);
        }
    }

    private static void Record(Histogram<double> histogram, TimeSpan? time)
    {
        if (time is { } known) histogram.Record(known.TotalSeconds);
    }

    private static KeyValuePair<string, object?> Reason(string outcome) => new("finished_reason", outcome);
}
