using System.Diagnostics;
using System.Diagnostics.Metrics;
using LoraServe.Generation;

namespace LoraServe.Metrics;

/// <summary>
/// Finished requests in the terms of OpenTelemetry's semantic conventions for generative AI. The model attribute is the adapter's metric label,
/// so that clients cannot create unbounded series.
/// </summary>
internal sealed class GenAiMetrics
{
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _perToken;
    private readonly Histogram<double> _tokens;

    public GenAiMetrics(Meter meter)
    {
        _duration = meter.CreateHistogram(
            "gen_ai.server.request.duration", "s", "Time to the last byte of an answer.", advice: Buckets.GenAiRequestSeconds);
        _firstToken = meter.CreateHistogram(
            "gen_ai.server.time_to_first_token", "s", "Time to the first token of an answer.", advice: Buckets.GenAiFirstTokenSeconds);
        _perToken = meter.CreateHistogram(
            "gen_ai.server.time_per_output_token", "s", "Time per token after the first.", advice: Buckets.GenAiTokenSeconds);
        _tokens = meter.CreateHistogram("gen_ai.client.token.usage", "{token}", "Tokens read and written.", advice: Buckets.GenAiTokens);
    }

    /// <summary>Counts a finished request, once for each adapter that it ran on.</summary>
    /// <param name="report">The request.</param>
    /// <param name="baseModel">The name of the base model.</param>
    public void Record(GenerationReport report, string baseModel)
    {
        foreach (var column in report.Run.Columns) Record(report, column, baseModel);
    }

    private void Record(GenerationReport report, GenerationColumn column, string baseModel)
    {
        var choices = report.Of(column);
        var error = GenerationReport.ErrorOf(choices);
        var usage = column.Usage;
        var tags = Tags(report.Run.Operation, column, baseModel);
        if (error is null && choices.Min(choice => choice.TimeToFirstToken) is { } first) _firstToken.Record(first.TotalSeconds, tags);
        foreach (var choice in choices)
        {
            if (choice.TimePerOutputToken is { } time) _perToken.Record(time.TotalSeconds, tags);
        }

        Record(usage.PromptTokens, "input");
        Record(usage.CompletionTokens, "output");
        if (error is not null) tags.Add("error.type", error);
        _duration.Record(choices.Max(choice => choice.Total).TotalSeconds, tags);

        void Record(int count, string type)
        {
            var typed = tags;
            typed.Add("gen_ai.token.type", type);
            _tokens.Record(count, typed);
        }
    }

    private static TagList Tags(string operation, GenerationColumn column, string baseModel) => new()
    {
        { "gen_ai.operation.name", operation },
        { "gen_ai.provider.name", "loraserve" },
        { "gen_ai.request.model", column.IsBase ? baseModel : column.AdapterLabel },
        { "gen_ai.response.model", baseModel },
        { "loraserve.adapter.name", column.AdapterLabel },
    };
}
