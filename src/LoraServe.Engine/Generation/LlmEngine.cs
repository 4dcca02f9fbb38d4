using System.Diagnostics.Metrics;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Text.Templates;
using LoraServe.Text.Tokenizers;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Generation;

/// <summary>
/// The engine as the outside sees it: submit token ids and a lease, get a stream of tokens. All tensors belong to its thread.
/// </summary>
public sealed partial class LlmEngine : IAsyncDisposable
{
    private readonly EngineOptions _options;
    private readonly LoadedModel _model;
    private readonly EngineParts _parts;
    private readonly ILogger _logger;
    private int _disposed;

    /// <summary>Starts the engine's thread.</summary>
    /// <param name="options">Limits.</param>
    /// <param name="model">The engine's from now on.</param>
    /// <param name="adapters">The engine's from now on.</param>
    /// <param name="logger">For the log lines of all parts.</param>
    internal LlmEngine(EngineOptions options, LoadedModel model, AdapterManager adapters, ILogger logger)
    {
        (_options, _model, Adapters, _logger) = (options, model, adapters, logger);
        _parts = new EngineParts(options, model, adapters, logger);
    }

    /// <summary>Loads the base model and starts the engine's thread. Takes seconds: call it off the startup path.</summary>
    /// <param name="options">Already validated by the host for form; files are checked here.</param>
    /// <param name="progress">Receives the fraction of weights loaded, 0 to 1.</param>
    /// <param name="loggers">For the engine's own log lines.</param>
    /// <param name="mayOpen">Waited for between reading the model and opening the data folder; null: not.</param>
    /// <exception cref="InvalidCheckpointException">The model's folder cannot be served.</exception>
    /// <exception cref="InvalidTokenizerException">Its tokenizer.json cannot be used.</exception>
    /// <exception cref="InvalidAdapterException">Adapters of the folder given at start are refused.</exception>
    /// <exception cref="DllNotFoundException">The native libraries cannot be loaded.</exception>
    public static LlmEngine Load(EngineOptions options, IProgress<double>? progress, ILoggerFactory loggers, Task? mayOpen = null) =>
        EngineLoader.Load(options, progress, loggers, mayOpen);

    /// <summary>The base model.</summary>
    public ModelInfo Model => _model.Info;

    /// <summary>The base model's tokenizer, safe for use by many threads.</summary>
    public Tokenizer Tokenizer => _model.Tokenizer;

    /// <summary>The base model's chat templates; an adapter may bring its own.</summary>
    public ChatTemplates ChatTemplates => _model.Templates;

    /// <summary>Names, versions and residency of adapters.</summary>
    public AdapterManager Adapters { get; }

    /// <summary>The latest snapshot.</summary>
    public EngineStatus Status => _parts.Loop.Status;

    /// <summary>Merged weights, by adapter version.</summary>
    public IReadOnlyList<MergedSlotInfo> MergedSlots => _parts.Merging.Status.Slots;

    /// <summary>Memory of merged weights in bytes.</summary>
    public long MergedBytesUsed => _parts.Merging.Status.Bytes;

    /// <summary>Most memory that merged weights may take in bytes.</summary>
    public long MergedBytesBudget => _parts.Merging.Status.Budget;

    /// <inheritdoc cref="LoadedModel.EndTokens"/>
    internal IReadOnlyList<int> EndTokens => _model.EndTokens;

    /// <summary>The base model; its tensors belong to the engine's thread.</summary>
    internal BaseModel BaseModel => _model.Model;

    /// <summary>Folder of the base model.</summary>
    internal string ModelFolder => _options.Model;

    /// <summary>Whether it refuses new sequences for good.</summary>
    internal bool IsStopping => _parts.Submissions.AreClosed;

    /// <summary>The highest rank of an adapter that is served.</summary>
    internal int MaxLoraRank => _options.MaxLoraRank;

    /// <inheritdoc cref="EngineSizes.TrainingMemory"/>
    internal long TrainingMemory => EngineSizes.TrainingMemory(_options);

    /// <summary>Publishes what the engine does from now on as instruments of a meter, which must outlive it.</summary>
    public void Publish(Meter meter)
    {
        EngineGauges.Create(meter, this, _options.MaxLoras);
        Adapters.Metrics.Publish(meter);
        _parts.Metrics.Publish(meter, Adapters.Labels);
        _parts.MergeMetrics.Publish(meter, Adapters);
    }

    /// <summary>Throws if a prompt with this sampling could never be served; cheap, does not touch the queue.</summary>
    /// <exception cref="ContextLengthExceededException">The prompt, or it and its maximum of tokens, can never fit.</exception>
    public void CheckFits(int promptTokens, SamplingParams sampling) => _parts.Limits.CheckFits(promptTokens, sampling);

    /// <summary>Most tokens that can follow a prompt within the context and the KV cache; at least 1.</summary>
    public int RoomAfter(int promptTokens) => _parts.Limits.RoomAfter(promptTokens);

    /// <summary>A place in line for a request that is not ready to be submitted: <see cref="GenerationRequest.Arrival"/>.</summary>
    public long NextArrival() => _parts.Submissions.NextArrival();

    /// <summary>Queues a sequence. The engine takes over the request's lease, even when this throws.</summary>
    /// <exception cref="EngineOverloadedException">The queue is full, or the engine is shutting down.</exception>
    /// <exception cref="ContextLengthExceededException">See <see cref="CheckFits"/>.</exception>
    public TokenStream Submit(GenerationRequest request) => _parts.Submissions.Submit(request);

    /// <summary>Merges an adapter version, which then stays merged until <see cref="UnmergeAsync"/>.</summary>
    /// <param name="lease">Not taken.</param>
    /// <param name="cancellationToken">Stops waiting, and the merge unless another caller wants it.</param>
    /// <exception cref="MergedSlotsFullException">There can be no room for it.</exception>
    public Task MergeAsync(AdapterLease lease, CancellationToken cancellationToken) => _parts.Merges.MergeAsync(lease, cancellationToken);

    /// <summary>
    /// Frees the merged weights of a version, once no running sequence of mode merged needs them; false where it is not merged. Later demand
    /// may merge it again.
    /// </summary>
    public Task<bool> UnmergeAsync(AdapterVersionId version) => _parts.Merges.UnmergeAsync(version);

    /// <summary>Why a version is merged or not.</summary>
    public MergeDecision ExplainMerge(AdapterVersionId version) => _parts.Merging.Status.DecisionOf(version);

    /// <summary>What an adapter does to the base, in its weights and in the distribution of the next token.</summary>
    /// <param name="reference">One adapter.</param>
    /// <param name="cancellationToken">Stops the measurement.</param>
    /// <exception cref="InvalidAdapterReferenceException">It is a mix.</exception>
    /// <exception cref="NotFiniteNumberException">The adapter makes the logits overflow.</exception>
    public Task<AdapterEffect> EffectAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        EffectAsync(reference, weights: null, cancellationToken);

    /// <summary>The same where its effect in its weights is known already; null: it is not.</summary>
    public Task<AdapterEffect> EffectAsync(AdapterReference reference, AdapterEffect? weights, CancellationToken cancellationToken) =>
        _parts.Effects.OfAsync(reference, weights, cancellationToken);

    /// <inheritdoc cref="EffectProbe.MeasureAsync"/>
    internal Task<double> MeasureEffectAsync(AdapterLease lease, CancellationToken cancellationToken) =>
        _parts.Probe.MeasureAsync(lease, cancellationToken);

    /// <summary>
    /// SHA-256 over the base's weights as they are in memory now: equal to <see cref="ModelInfo.Checksum"/> as long as nothing wrote to
    /// them. Computed in slices between the steps of requests, once for all callers at the same time.
    /// </summary>
    /// <param name="cancellationToken">Stops waiting, and with the last caller the computation.</param>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public Task<string> ComputeChecksumAsync(CancellationToken cancellationToken = default) => _parts.Verification.ComputeAsync(cancellationToken);

    /// <inheritdoc cref="EngineLoop.RunInBackgroundAsync"/>
    internal Task RunInBackgroundAsync(ISlicedWork work, CancellationToken cancellationToken) =>
        _parts.Loop.RunInBackgroundAsync(work, cancellationToken);

    /// <inheritdoc cref="EngineLoop.InvokeAsync{T}(Func{T})"/>
    internal Task<T> InvokeAsync<T>(Func<T> function) => _parts.Loop.InvokeAsync(function);

    /// <inheritdoc cref="EngineLoop.InvokeAsync(Action)"/>
    internal Task InvokeAsync(Action action) => _parts.Loop.InvokeAsync(action);

    /// <summary>Refuses new sequences and lets the running and waiting ones finish, as far as they do in time.</summary>
    public async Task DrainAsync(TimeSpan timeout)
    {
        _parts.Submissions.Close();
        var idle = _parts.Loop.WhenIdleAsync();
        await Task.WhenAny(idle, Task.Delay(timeout));
        if (!idle.IsCompleted) LogNotDrained(_logger, timeout, Status.Running + Status.Waiting);
    }

    /// <summary>Fails what is still running, stops the thread and frees every tensor. A second call does nothing.</summary>
    public ValueTask DisposeAsync()
    {
        Stop();
        return ValueTask.CompletedTask;
    }

    /// <summary>The same.</summary>
    internal void Stop()
    {
        _parts.Submissions.Close();
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _parts.Dispose();
        Adapters.Dispose();
        _model.Model.Dispose();
    }

    [LoggerMessage(LogLevel.Warning, "Not drained within {Timeout}: {Sequences} sequences are ended early")]
    private static partial void LogNotDrained(ILogger logger, TimeSpan timeout, int sequences);
}
