using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using LoraServe.Metrics;

namespace LoraServe.Generation;

/// <summary>
/// Starts the sequences of a request: the one place where its key's adapters and limits are checked, and where, at its end, tokens are
/// charged, metrics recorded and its line of the log written.
/// </summary>
internal sealed partial class Generator(
    EngineService service, LoraServeOptions options, KeyRateLimits limits, ServerMetrics metrics, ILogger<Generator> log) : IDisposable
{
    // A request with several adapters holds some while it waits for others: two of them could wait for each other.
    private readonly SemaphoreSlim _turn = new(1);
    private long _preparing;

    /// <summary>Sequences that the engine does not know yet: their prompts are being made, or their adapters loaded.</summary>
    public int Preparing => (int)Volatile.Read(ref _preparing);

    /// <summary>What of a request runs on one adapter.</summary>
    /// <param name="Reference">The adapter; null for the base model.</param>
    /// <param name="PromptCount">How many prompts there are.</param>
    /// <param name="Encode">
    /// Makes its prompts while the adapter is loaded; it may await the lease, which stays the caller's, where they depend on the adapter.
    /// </param>
    public sealed record Column(
        AdapterReference? Reference, int PromptCount, Func<Task<AdapterLease>, Task<IReadOnlyList<GenerationPrompt>>> Encode);

    /// <summary>Submits everything that a request asks for, all of it at once so that it shares batches.</summary>
    /// <param name="context">The HTTP request; where one adapter answers, its header x-loraserve-adapter is set.</param>
    /// <param name="operation">See <see cref="GenerationRun.Operation"/>.</param>
    /// <param name="parameters">What was asked for.</param>
    /// <param name="columns">At least one.</param>
    /// <exception cref="UnknownAdapterException">An adapter does not exist, or not for this key.</exception>
    /// <exception cref="InvalidRequestException">The adapters do not fit into memory together, or there are too many choices.</exception>
    /// <exception cref="EngineOverloadedException">The queue is full; nothing of this request runs on.</exception>
    public async Task<GenerationRun> StartAsync(
        HttpContext context, string operation, GenerationParameters parameters, IReadOnlyList<Column> columns)
    {
        var arrived = TimeProvider.System.GetTimestamp();
        var span = new GenerationSpan(operation);
        try
        {
            var (running, allowance) = await SubmitAsync(context, parameters, columns);
            foreach (var column in running) NoteFirstTokens(column, arrived);
            return new GenerationRun(operation, running, run =>
                Complete(context, allowance, new GenerationReport(run, parameters, arrived, context.RequestAborted.IsCancellationRequested), span));
        }
        catch (Exception e)
        {
            span.Fail(e);
            throw;
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<(IReadOnlyList<GenerationColumn> Running, KeyAllowance Allowance)> SubmitAsync(
        HttpContext context, GenerationParameters parameters, IReadOnlyList<Column> columns)
    {
        var caller = context.User.Caller();
        var choices = columns.Sum(column => (long)column.PromptCount * parameters.N);
        CheckCount(choices);
        foreach (var column in columns) caller.Access.Check(column.Reference);
        var allowance = limits.Admit(caller, choices);
        Interlocked.Add(ref _preparing, choices);
        try
        {
            return (await SubmitAsync(context, parameters, columns, choices, allowance), allowance);
        }
        catch
        {
            allowance.Dispose();
            throw;
        }
        finally
        {
            Interlocked.Add(ref _preparing, -choices);
        }
    }

    private async Task<IReadOnlyList<GenerationColumn>> SubmitAsync(
        HttpContext context, GenerationParameters parameters, IReadOnlyList<Column> columns, long choices, KeyAllowance allowance)
    {
        var (engine, caller) = (service.Engine, context.User.Caller());
        // A request whose adapter has to be loaded keeps its place in line.
        var arrival = engine.NextArrival();
        var prepared = (await PrepareAsync(engine, columns, context.RequestAborted))
            .Select(column => (column.Lease, Prompts: Bound(caller, parameters, column.Prompts, choices))).ToList();
        var running = new List<GenerationColumn>();
        try
        {
            allowance.Tokens = Reserve(caller, parameters, prepared.SelectMany(column => column.Prompts));
            foreach (var (lease, prompts) in prepared)
            {
                var place = (running.Sum(column => column.Choices.Count), arrival, caller.Owner, caller.CacheSalt(parameters.CacheSalt));
                running.Add(new GenerationColumn(engine, parameters, prompts, lease.Share(), place));
            }

            if (running is [var single]) context.Response.Headers["x-loraserve-adapter"] = single.Adapter;
            return running;
        }
        catch
        {
            foreach (var column in running) column.Dispose();
            throw;
        }
        finally
        {
            foreach (var (lease, _) in prepared) lease.Dispose();
        }
    }

    // Prompts are encoded while adapters are loaded, and all adapters are there before anything runs.
    private async Task<IReadOnlyList<(AdapterLease Lease, IReadOnlyList<GenerationPrompt> Prompts)>> PrepareAsync(
        LlmEngine engine, IReadOnlyList<Column> columns, CancellationToken cancellation)
    {
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var acquiring = await BeginAcquiringAsync(engine.Adapters, [.. columns.Select(column => column.Reference)], abandoned.Token);
        try
        {
            var prompts = new List<IReadOnlyList<GenerationPrompt>>();
            for (var i = 0; i < columns.Count; i++) prompts.Add(await columns[i].Encode(acquiring[i]));
            return [.. (await Task.WhenAll(acquiring)).Zip(prompts)];
        }
        catch
        {
            await abandoned.CancelAsync();
            foreach (var task in acquiring) _ = ReleaseAsync(task);
            throw;
        }
    }

    private async Task<IReadOnlyList<Task<AdapterLease>>> BeginAcquiringAsync(
        AdapterManager adapters, IReadOnlyList<AdapterReference?> references, CancellationToken cancellation)
    {
        var several = references.OfType<AdapterReference>().ToList();
        if (several.Count < 2) return Begin();
        if (adapters.WhyNeverTogether(several) is { } reason) throw new InvalidRequestException("adapters", reason);
        await _turn.WaitAsync(cancellation);
        var acquiring = Begin();
        _ = EndTurnAsync(acquiring);
        return acquiring;

        IReadOnlyList<Task<AdapterLease>> Begin() =>
        [
            .. references.Select(reference => reference is null
                ? Task.FromResult(AdapterLease.Base())
                : adapters.AcquireAsync(reference, cancellation).AsTask()),
        ];
    }

    private async Task EndTurnAsync(IReadOnlyList<Task<AdapterLease>> acquiring)
    {
        await ((Task)Task.WhenAll(acquiring)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _turn.Release();
    }

    private static async Task ReleaseAsync(Task<AdapterLease> acquiring)
    {
        await ((Task)acquiring).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (acquiring.IsCompletedSuccessfully) acquiring.Result.Dispose();
    }

    // More than the queue holds could never be admitted, however long a client waits.
    private void CheckCount(long count)
    {
        if (count > options.MaxQueuedSeqs)
            throw new InvalidRequestException("prompt", $"expected at most {options.MaxQueuedSeqs} prompts times n, found {count}");
    }

    // Whoever does not say how much it wants gets no more than its key can hold back for it.
    private IReadOnlyList<GenerationPrompt> Bound(
        Caller caller, GenerationParameters parameters, IReadOnlyList<GenerationPrompt> prompts, long choices) =>
        parameters.MostTokens is null && limits.MostUnsaid(caller, choices) is { } most
            ? [.. prompts.Select(prompt => prompt with { MaxTokens = Math.Min(prompt.MaxTokens, most) })]
            : prompts;

    // A prompt counts once, as in the usage, however many choices continue it.
    private TokenWindow.Reservation? Reserve(Caller caller, GenerationParameters parameters, IEnumerable<GenerationPrompt> prompts) =>
        limits.ReserveTokens(caller, prompts.Sum(prompt => prompt.Ids.Count + ((long)parameters.N * prompt.MaxTokens)));

    // When they are there, not when the request ends: what takes an hour would be seen an hour late.
    private void NoteFirstTokens(GenerationColumn column, long arrived)
    {
        foreach (var choice in column.Choices)
            choice.Began = times => metrics.Record(new FirstTokenReport(column.AdapterLabel, times, arrived));
    }

    private void Complete(HttpContext context, KeyAllowance allowance, GenerationReport report, GenerationSpan span)
    {
        allowance.Settle(report.Run.Usage.TotalTokens);
        metrics.Record(report);
        span.Complete(report, metrics.BaseModel);
        span.Dispose();
        var usage = report.Run.Usage;
        LogCompleted(
            log,
            report.Run.Operation,
            string.Join(", ", report.Run.Columns.Select(column => column.Adapter)),
            usage.PromptTokens,
            usage.PromptTokensDetails.CachedTokens,
            usage.CompletionTokens,
            string.Join(", ", report.Choices.Select(choice => choice.Outcome).Distinct()),
            report.Queue.TotalMilliseconds,
            report.TimeToFirstToken?.TotalMilliseconds ?? 0,
            report.TokensPerSecond,
            context.User.Caller().Id);
    }

    [LoggerMessage(
        LogLevel.Information,
        "Completed {Operation} on {Adapter}: {PromptTokens} tokens read, {CachedTokens} of them cached, {CompletionTokens} written, "
        + "{FinishReasons}; queue {QueueMs:0} ms, first token {FirstTokenMs:0} ms, {TokensPerSecond:0.0} tokens/s, key {Key}")]
    private static partial void LogCompleted(
        ILogger log,
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
