using System.Diagnostics;
using LoraServe.Generation;
using LoraServe.Text.Faults;

namespace LoraServe.Metrics;

/// <summary>
/// The span of a text request, a child of its HTTP request's span, after OpenTelemetry's semantic conventions for generative AI. Its own children
/// are the phases of its choices. It contains no prompts or answers.
/// </summary>
internal sealed class GenerationSpan : IDisposable
{
    public const string SourceName = "LoraServe";

    // A request may have thousands of choices.
    private const int MostDetailedChoices = 16;
    private const int MostStops = 4;

    private static readonly ActivitySource Source = new(SourceName);

    private readonly Activity? _activity;

    /// <summary>Starts now, as a child of the current span.</summary>
    /// <param name="operation">text_completion or chat.</param>
    public GenerationSpan(string operation)
    {
        _activity = Source.StartActivity(operation);
        _activity?.SetTag("gen_ai.operation.name", operation);
        _activity?.SetTag("gen_ai.provider.name", "loraserve");
    }

    /// <summary>Ends it for a request that was refused, or whose client disconnected before anything ran, which is not an error.</summary>
    public void Fail(Exception error)
    {
        _activity?.SetTag("error.type", error.GetType().Name);
        if (error is not OperationCanceledException) _activity?.SetStatus(ActivityStatusCode.Error);
        _activity?.Dispose();
    }

    /// <summary>Records how the request went.</summary>
    /// <param name="report">The request.</param>
    /// <param name="baseModel">The name of the base model.</param>
    public void Complete(GenerationReport report, string baseModel)
    {
        if (_activity is not { IsAllDataRequested: true } activity) return;
        var (run, parameters, column) = (report.Run, report.Parameters, report.Run.Columns[0]);
        var model = column.IsBase ? baseModel : column.AdapterName;
        activity.DisplayName = $"{run.Operation} {model}";
        activity.SetTag("gen_ai.request.model", model);
        activity.SetTag("gen_ai.response.model", baseModel);
        SetRequest(activity, parameters);
        activity.SetTag("gen_ai.response.finish_reasons", report.Choices.Select(choice => choice.Outcome).ToArray());
        activity.SetTag("gen_ai.usage.input_tokens", run.Usage.PromptTokens);
        activity.SetTag("gen_ai.usage.output_tokens", run.Usage.CompletionTokens);
        activity.SetTag("gen_ai.usage.cache_read.input_tokens", run.Usage.PromptTokensDetails.CachedTokens);
        activity.SetTag("loraserve.adapter.name", string.Join(", ", run.Columns.Select(each => each.AdapterName)));
        activity.SetTag("loraserve.adapter.version", string.Join(", ", run.Columns.Select(each => each.Version)));
        if (report.Error is { } error)
        {
            activity.SetTag("error.type", error);
            if (error == "error") activity.SetStatus(ActivityStatusCode.Error);
        }

        foreach (var choice in report.Choices.Take(MostDetailedChoices)) AddPhases(activity, choice);
    }

    public void Dispose() => _activity?.Dispose();

    private static void SetRequest(Activity activity, GenerationParameters parameters)
    {
        activity.SetTag("gen_ai.request.max_tokens", parameters.MostTokens);
        activity.SetTag("gen_ai.request.temperature", (double)parameters.Temperature);
        activity.SetTag("gen_ai.request.top_p", (double)parameters.TopP);
        activity.SetTag("gen_ai.request.top_k", parameters.TopK > 0 ? parameters.TopK : null);
        activity.SetTag("gen_ai.request.seed", parameters.Seed);
        activity.SetTag("gen_ai.request.stop_sequences", parameters.Stop?.Items.Take(MostStops).Select(FaultText.Shorten).ToArray());
        activity.SetTag("gen_ai.request.frequency_penalty", (double)parameters.FrequencyPenalty);
        activity.SetTag("gen_ai.request.presence_penalty", (double)parameters.PresencePenalty);
        activity.SetTag("gen_ai.request.choice.count", parameters.N != 1 ? parameters.N : null);
    }

    private static void AddPhases(Activity parent, ChoiceReport choice)
    {
        var times = choice.Times;
        var submitted = DateTimeOffset.UtcNow - TimeProvider.System.GetElapsedTime(times.Submitted);
        Add("queue", TimeSpan.Zero, times.Queue);
        Add("prefill", times.Admitted, times.Admitted + times.Prefill);
        Add("decode", times.FirstToken, times.FirstToken + times.Decode);

        void Add(string name, TimeSpan? start, TimeSpan? end)
        {
            if (start is not { } from || end is not { } to) return;
            using var phase = Source.StartActivity(name, ActivityKind.Internal, parent.Context, startTime: submitted + from);
            phase?.SetTag("loraserve.choice.index", choice.Index);
            phase?.SetEndTime((submitted + to).UtcDateTime);
        }
    }
}
