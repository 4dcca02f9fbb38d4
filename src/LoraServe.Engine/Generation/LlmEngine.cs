using System.Diagnostics.Metrics;
using System.Threading.Channels;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
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
    // Tokens in a block of the KV cache.
    private const int BlockSize = 16;

    private readonly EngineOptions _options;
    private readonly BaseModel _model;
    private readonly Scheduler _scheduler;
    private readonly MergeService _merging;
    private readonly EngineLoop _loop;
    private readonly BaseVerification _verification;
    private readonly EffectProbe _effect;
    private readonly EffectReports _effects;
    private readonly ILogger _logger;
    private long _lastId;
    private volatile bool _draining;
    private int _disposed;

    private LlmEngine(
        EngineOptions options,
        BaseModel model,
        ModelInfo info,
        Tokenizer tokenizer,
        ChatTemplates templates,
        AdapterManager adapters,
        int kvSlots,
        ILogger<LlmEngine> logger)
    {
        var blocks = new KvBlockPool(kvSlots / BlockSize, BlockSize);
        (_options, _model, Model, Adapters, _logger) = (options, model, info, adapters, logger);
        (Tokenizer, ChatTemplates) = (tokenizer, templates);
        EndTokens = TokensThatEnd(model.Config, tokenizer, templates);
        _scheduler = new Scheduler(options.MaxNumSeqs, options.MaxNumBatchedTokens, blocks, options.MaxLoras, options.EnablePrefixCaching);
        _merging = new MergeService(
            model.Weights, MergedBytes(options, model.Weights), () => adapters.IsMemoryWanted, TimeProvider.System, logger);
        var runner = new ModelRunner(model, BlockSize);
        var background = new BackgroundWork(options.TrainingShare, TimeProvider.System);
        _loop = new EngineLoop(_scheduler, runner, new Sampler(info.VocabularySize), blocks, _merging, background, logger);
        var prompts = EffectPrompts.Encode(tokenizer, info.VocabularySize);
        _verification = new BaseVerification(_loop, model.Weights);
        _effect = new EffectProbe(_loop, runner, blocks, prompts, Math.Min(info.MaxModelLen, kvSlots));
        _effects = new EffectReports(adapters, _effect);
    }

    /// <summary>The base model.</summary>
    public ModelInfo Model { get; }

    /// <summary>The base model's tokenizer, safe for use by many threads.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The base model's chat templates; an adapter may bring its own.</summary>
    public ChatTemplates ChatTemplates { get; }

    /// <summary>
    /// Tokens that end a sequence: those of generation_config.json, else of config.json, and the eos_token of tokenizer_config.json, as vLLM
    /// has it. The first is what training ends texts with.
    /// </summary>
    internal IReadOnlyList<int> EndTokens { get; }

    /// <summary>Names, versions and residency of adapters.</summary>
    public AdapterManager Adapters { get; }

    /// <summary>The latest snapshot.</summary>
    public EngineStatus Status => _loop.Status;

    /// <summary>The base model; its tensors belong to the engine's thread.</summary>
    internal BaseModel BaseModel => _model;

    /// <summary>Folder of the base model.</summary>
    internal string ModelFolder => _options.Model;

    /// <summary>Runs work in slices on the engine's thread, between the steps of requests: see <see cref="BackgroundWork"/>.</summary>
    /// <param name="work">Stays the caller's.</param>
    /// <param name="cancellationToken">Ends it between two slices.</param>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    internal Task RunInBackgroundAsync(ISlicedWork work, CancellationToken cancellationToken) =>
        _loop.RunInBackgroundAsync(work, cancellationToken);

    /// <summary>Runs a function on the engine's thread, between two steps.</summary>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    internal Task<T> InvokeAsync<T>(Func<T> function) => _loop.InvokeAsync(function);

    /// <summary>Whether it refuses new sequences for good.</summary>
    internal bool IsStopping => _draining;

    /// <summary>The highest rank of an adapter that is served.</summary>
    internal int MaxLoraRank => _options.MaxLoraRank;

    /// <summary>Most bytes that a training or an evaluation may take beside the base.</summary>
    internal long TrainingMemory => _options.TrainingMemory is { } mebibytes ? (long)mebibytes << 20 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    /// <summary>Publishes what the engine does from now on as instruments of a meter, which must outlive it.</summary>
    public void Publish(Meter meter)
    {
        EngineGauges.Create(meter, this, _options.MaxLoras);
        Adapters.Metrics.Publish(meter);
        EngineMetrics.Create(meter, _loop, _merging, Adapters);
    }

    /// <summary>Throws if a prompt with this sampling could never be served; cheap, does not touch the queue.</summary>
    /// <exception cref="ContextLengthExceededException">The prompt, or it and its maximum of tokens, can never fit.</exception>
    public void CheckFits(int promptTokens, SamplingParams sampling)
    {
        var wanted = (long)promptTokens + sampling.MaxTokens;
        if (wanted > Model.MaxModelLen)
        {
            throw new ContextLengthExceededException(
                $"This model's maximum context length is {Model.MaxModelLen} tokens. However, you requested {wanted} tokens "
                + $"({promptTokens} in the prompt, {sampling.MaxTokens} for the completion). Please reduce the prompt or max_tokens.");
        }

        if (!_scheduler.CanEverFit(promptTokens, sampling.MaxTokens))
        {
            throw new ContextLengthExceededException(
                $"The prompt of {promptTokens} tokens and its completion of at most {sampling.MaxTokens} do not fit into this server's KV "
                + $"cache of {Status.KvBlocks * BlockSize} tokens. Please reduce the prompt or max_tokens.");
        }
    }

    /// <summary>Most tokens that can follow a prompt within the context and the KV cache; at least 1.</summary>
    public int RoomAfter(int promptTokens) => Math.Max(1, Math.Min(Model.MaxModelLen, Status.KvBlocks * BlockSize) - promptTokens);

    /// <summary>A place in line for a request that is not ready to be submitted: <see cref="GenerationRequest.Arrival"/>.</summary>
    public long NextArrival() => Interlocked.Increment(ref _lastId);

    /// <summary>Queues a sequence. The engine takes over the request's lease, even when this throws.</summary>
    /// <exception cref="EngineOverloadedException">The queue is full, or the engine is shutting down.</exception>
    /// <exception cref="ContextLengthExceededException">See <see cref="CheckFits"/>.</exception>
    public TokenStream Submit(GenerationRequest request)
    {
        try
        {
            CheckFits(request.Prompt.Count, request.Sampling);
            CheckTokens(request.Prompt);
            if (_draining) throw new EngineOverloadedException("The server is shutting down.");
            if (Status.Queued >= _options.MaxQueuedSeqs)
                throw new EngineOverloadedException($"{_options.MaxQueuedSeqs} sequences are waiting already. Please try again later.");

            var id = NextArrival();
            var output = Channel.CreateUnbounded<GeneratedToken>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
            var promptLogprobs = new TaskCompletionSource<IReadOnlyList<TokenLogprobs?>>(
                TaskCreationOptions.RunContinuationsAsynchronously);
            var sequence = new Sequence(id, request, EndTokens, output.Writer, promptLogprobs);
            if (!_loop.Add(sequence)) throw new EngineOverloadedException("The server is shutting down.");
            return new TokenStream(sequence, output.Reader, promptLogprobs.Task, () => _loop.Cancel(id));
        }
        catch
        {
            request.Adapter.Dispose();
            throw;
        }
    }

    /// <summary>
    /// SHA-256 over the base's weights as they lie in memory now: equal to <see cref="ModelInfo.Checksum"/> as long as nothing wrote to
    /// them. Computed in slices between the steps of requests, once for all who ask at the same time.
    /// </summary>
    /// <param name="cancellationToken">Stops waiting, and with the last who waits the computation.</param>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public Task<string> ComputeChecksumAsync(CancellationToken cancellationToken = default) => _verification.ComputeAsync(cancellationToken);

    /// <summary>
    /// How far an adapter moves the distribution of the next token: the mean of KL(base || adapter) in nats over every position of a fixed
    /// set of prompts. Runs between the steps of other requests, and takes longer while they hold all KV blocks.
    /// </summary>
    /// <param name="adapter">Stays the caller's, and must be held until this completes.</param>
    /// <param name="cancellationToken">Ends it after the forward pass that is running.</param>
    /// <exception cref="NotFiniteNumberException">The adapter makes the logits overflow.</exception>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    internal Task<double> MeasureEffectAsync(AdapterLease adapter, CancellationToken cancellationToken) =>
        _effect.MeasureAsync(adapter, cancellationToken);

    /// <summary>What an adapter does to the base, in its weights and in the distribution of the next token.</summary>
    /// <param name="reference">One adapter.</param>
    /// <param name="cancellationToken">Stops the measurement.</param>
    /// <exception cref="InvalidAdapterReferenceException">It is a mix.</exception>
    /// <exception cref="NotFiniteNumberException">The adapter makes the logits overflow.</exception>
    public Task<AdapterEffect> EffectAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        EffectAsync(reference, weights: null, cancellationToken);

    /// <summary>The same where it is known already what it does in its weights; null: it is not.</summary>
    public async Task<AdapterEffect> EffectAsync(AdapterReference reference, AdapterEffect? weights, CancellationToken cancellationToken)
    {
        try
        {
            return await _effects.OfAsync(reference, weights, cancellationToken);
        }
        catch (NotFiniteNumberException e)
        {
            throw new NotFiniteNumberException($"The adapter '{reference}' cannot be measured: {e.Message}", e.OffendingNumber, e);
        }
    }

    /// <summary>Refuses new sequences and lets the running and waiting ones finish, as far as they do in time.</summary>
    public async Task DrainAsync(TimeSpan timeout)
    {
        _draining = true;
        var idle = _loop.WhenIdleAsync();
        await Task.WhenAny(idle, Task.Delay(timeout));
        if (!idle.IsCompleted) LogNotDrained(_logger, timeout, Status.Running + Status.Waiting);
    }

    /// <summary>Fails what is still running, stops the thread and frees every tensor. A second call does nothing.</summary>
    public ValueTask DisposeAsync()
    {
        Stop();
        return ValueTask.CompletedTask;
    }

    private void Stop()
    {
        _draining = true;
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _loop.Dispose();
        _effects.Dispose();
        Adapters.Dispose();
        _model.Dispose();
    }

    private void CheckTokens(IReadOnlyList<int> prompt)
    {
        if (prompt.Count == 0) throw new ArgumentException("A prompt needs at least one token.", nameof(prompt));
        foreach (var token in prompt)
        {
            if (token < 0 || token >= Model.VocabularySize)
                throw new ArgumentException($"Token id {token} is not in the vocabulary of {Model.VocabularySize}.", nameof(prompt));
        }
    }

    [LoggerMessage(LogLevel.Warning, "Not drained within {Timeout}: {Sequences} sequences are ended early")]
    private static partial void LogNotDrained(ILogger logger, TimeSpan timeout, int sequences);
}
