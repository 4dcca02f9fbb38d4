using LoraServe.Keys;
using LoraServe.Metrics;

namespace LoraServe.Generation;

/// <summary>Opens the accounts of requests.</summary>
internal sealed class RequestAccounts(ServerMetrics metrics, ILogger<RequestAccount> log)
{
    /// <summary>Opens the account of a request that has just arrived.</summary>
    public RequestAccount Open(HttpContext context, string operation, GenerationParameters parameters) => new(context, operation, parameters, metrics, log);
}

/// <summary>
/// What a request costs and how it went. It is settled once, when nothing of the request runs any more: tokens are charged to the key,
/// metrics and the span recorded, and its line of the log written.
/// </summary>
internal sealed partial class RequestAccount(
    HttpContext context, string operation, GenerationParameters parameters, ServerMetrics metrics, ILogger<RequestAccount> log) : IDisposable
{
    private readonly long _arrived = TimeProvider.System.GetTimestamp();
    private readonly GenerationSpan _span = new(operation);

    /// <summary>text_completion or chat, as in OpenTelemetry's semantic conventions.</summary>
    public string Operation => operation;

    /// <summary>Whose request it is.</summary>
    public Caller Caller { get; } = context.User.Caller();

    /// <summary>What it holds of its key's limits; null until it is admitted.</summary>
    public KeyAllowance? Allowance { get; set; }

    /// <summary>Closes the account of a request that was refused, or whose client left before anything ran.</summary>
    public void Fail(Exception error)
    {
        _span.Fail(error);
        Dispose();
    }

    /// <summary>Has first tokens recorded as they come: at its end, those of a request that takes an hour would be an hour late.</summary>
    public void NoteFirstTokens(GenerationColumn column)
    {
        foreach (var choice in column.Choices)
            choice.Began = times => metrics.Record(new FirstTokenReport(column.AdapterLabel, times, _arrived));
    }

    /// <summary>Charges and records a request that has run.</summary>
    public void Settle(GenerationRun run)
    {
        var report = new GenerationReport(run, parameters, _arrived, context.RequestAborted.IsCancellationRequested);
        Allowance?.Settle(run.Usage.TotalTokens);
        metrics.Record(report);
        _span.Complete(report, metrics.BaseModel);
        LogCompleted(
            operation,
            string.Join(", ", run.Columns.Select(column => column.Adapter)),
            run.Usage.PromptTokens,
            run.Usage.PromptTokensDetails.CachedTokens,
            run.Usage.CompletionTokens,
            string.Join(", ", report.Choices.Select(choice => choice.Outcome).Distinct()),
            report.Queue.TotalMilliseconds,
            report.TimeToFirstToken?.TotalMilliseconds ?? 0,
            report.TokensPerSecond,
            Caller.Id);
        Dispose();
    }

    /// <summary>Ends the span and gives back what is held of the key's limits.</summary>
    public void Dispose()
    {
        _span.Dispose();
        Allowance?.Dispose();
    }

    [LoggerMessage(
        LogLevel.Information,
        "Completed {Operation} on {Adapter}: {PromptTokens} tokens read, {CachedTokens} of them cached, {CompletionTokens} written, "
        + "{FinishReasons}; queue {QueueMs:0} ms, first token {FirstTokenMs:0} ms, {TokensPerSecond:0.0} tokens/s, key {Key}")]
    private partial void LogCompleted(
        string operation,
        string adapter,
        int promptTokens,
        int cachedTokens,
        int completionTokens,
        string finishReasons,
        double queueMs,
        double firstTokenMs,
        double tokensPerSecond,
        string key);
}
