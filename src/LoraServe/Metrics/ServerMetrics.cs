using System.Diagnostics.Metrics;
using LoraServe.Engine.Generation;

namespace LoraServe.Metrics;

/// <summary>All metrics of the server. Request metrics exist once the engine is published.</summary>
internal sealed class ServerMetrics
{
    private static readonly string[] Limits = ["requests", "concurrent_requests", "tokens", "storage"];

    private readonly IMeterFactory _meters;
    private readonly Counter<long> _httpErrors;
    private readonly Counter<long> _refusals;
    private readonly GenAiMetrics _genAi;
    private VllmMetrics? _vllm;
    private AdapterRequestMetrics? _adapters;

    /// <param name="meters">Owns the meters.</param>
    /// <param name="collector">Must listen before anything is recorded.</param>
    public ServerMetrics(IMeterFactory meters, MetricCollector collector)
    {
        ArgumentNullException.ThrowIfNull(collector);
        _meters = meters;
        var meter = meters.Create(MetricCollector.MeterPrefix);
        _httpErrors = meter.CreateCounter<long>("loraserve.http.errors", null, "Answers with a status of 400 and above, by route.");
        _refusals = meter.CreateCounter<long>("loraserve.quota.refusals", null, "Requests that a limit of their key refused.");
        foreach (var limit in Limits) _refusals.Add(0, Limit(limit));
        _genAi = new GenAiMetrics(meter);
        ProcessMetrics.Create(meter);
    }

    /// <summary>The name of the base model; empty before the engine is published.</summary>
    public string BaseModel { get; private set; } = "";

    /// <summary>Publishes the engine's metrics and those of requests.</summary>
    public void Publish(LlmEngine engine)
    {
        BaseModel = engine.Model.Name;
        var meter = _meters.Create(new MeterOptions($"{MetricCollector.MeterPrefix}.Engine") { Tags = [new("model_name", BaseModel)] });
        _vllm = new VllmMetrics(meter, engine.Model.MaxModelLen);
        _adapters = new AdapterRequestMetrics(meter);
        engine.Publish(meter);
    }

    /// <summary>Counts the first token of a choice.</summary>
    public void Record(FirstTokenReport report)
    {
        _vllm!.Record(report);
        _adapters!.Record(report);
    }

    /// <summary>Counts a finished text request, and the choices that ended without a token.</summary>
    public void Record(GenerationReport report)
    {
        foreach (var choice in report.Choices) choice.Choice.Begin(choice.Times);
        _vllm!.Record(report);
        _adapters!.Record(report);
        _genAi.Record(report, BaseModel);
    }

    /// <summary>Counts an error response.</summary>
    /// <param name="route">The route's pattern; "none" if no route matched, "(method)" if one did but not its method.</param>
    /// <param name="status">400 and above.</param>
    public void RecordHttpError(string route, int status) => _httpErrors.Add(1, new("route", route), new("status", status));

    /// <summary>Counts a request refused by a limit of its key.</summary>
    /// <param name="limit">Which limit, of a fixed set of names.</param>
    public void RecordRefusal(string limit) => _refusals.Add(1, Limit(limit));

    private static KeyValuePair<string, object?> Limit(string limit) => new("limit", limit);
}
