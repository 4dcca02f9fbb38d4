using System.Threading.Channels;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using LoraServe.Engine.Tokenization;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <summary>
/// The engine as the outside sees it: submit token ids and a lease, get a stream of tokens. All tensors belong to its thread.
/// </summary>
public sealed partial class LlmEngine : IAsyncDisposable
{
    // Tokens in a block of the KV cache.
    private const int BlockSize = 16;

    private const int WarmUpTokens = 8;

    private readonly EngineOptions _options;
    private readonly BaseModel _model;
    private readonly Scheduler _scheduler;
    private readonly Merging _merging;
    private readonly EngineLoop _loop;
    private readonly EffectProbe _effect;
    private readonly ILogger _logger;
    private long _lastId;
    private volatile bool _draining;
    private int _disposed;

    private LlmEngine(
        EngineOptions options,
        BaseModel model,
        ModelInfo info,
        Tokenizer tokenizer,
        AdapterManager adapters,
        int kvSlots,
        ILogger<LlmEngine> logger)
    {
        var blocks = new KvBlockPool(kvSlots / BlockSize, BlockSize);
        (_options, _model, Model, Tokenizer, Adapters, _logger) = (options, model, info, tokenizer, adapters, logger);
        _scheduler = new Scheduler(options.MaxNumSeqs, options.MaxNumBatchedTokens, blocks, options.MaxLoras, options.EnablePrefixCaching);
        _merging = new Merging(model.Weights, MergedBytes(options, model.Weights), TimeProvider.System, logger);
        var runner = new ModelRunner(model, BlockSize);
        _loop = new EngineLoop(_scheduler, runner, new Sampler(info.VocabularySize), blocks, _merging, logger);
        var prompts = EffectPrompts.Encode(tokenizer, info.VocabularySize);
        _effect = new EffectProbe(_loop, runner, blocks, prompts, Math.Min(info.MaxModelLen, kvSlots));
    }

    /// <summary>The base model.</summary>
    public ModelInfo Model { get; }

    /// <summary>The base model's tokenizer, safe for use by many threads.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Names, versions and residency of adapters.</summary>
    public AdapterManager Adapters { get; }

    /// <summary>The latest snapshot.</summary>
    public EngineStatus Status => _loop.Status;

    /// <summary>Loads the base model and starts the engine's thread. Takes seconds: call it off the startup path.</summary>
    /// <param name="options">Already validated by the host for form; files are checked here.</param>
    /// <param name="progress">Told of the fraction of weights loaded, 0 to 1.</param>
    /// <param name="loggers">For the engine's own log lines.</param>
    /// <exception cref="InvalidCheckpointException">The model's folder cannot be served.</exception>
    /// <exception cref="InvalidTokenizerException">Its tokenizer.json cannot be used.</exception>
    /// <exception cref="InvalidAdapterException">Adapters of the folder given at start are refused.</exception>
    /// <exception cref="DllNotFoundException">The native libraries cannot be loaded.</exception>
    public static LlmEngine Load(EngineOptions options, IProgress<double>? progress, ILoggerFactory loggers)
    {
        var engine = Start(options, progress, loggers);
        try
        {
            engine.WarmUp();
            return engine;
        }
        catch
        {
            engine.Stop();
            throw;
        }
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
            if (Status.Waiting + _loop.Arriving >= _options.MaxQueuedSeqs)
                throw new EngineOverloadedException($"{_options.MaxQueuedSeqs} sequences are waiting already. Please try again later.");

            var id = NextArrival();
            var output = Channel.CreateUnbounded<GeneratedToken>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
            var promptLogprobs = new TaskCompletionSource<IReadOnlyList<TokenLogprobs?>>(
                TaskCreationOptions.RunContinuationsAsynchronously);
            var sequence = new Sequence(id, request, _model.Config.EosTokenIds, output.Writer, promptLogprobs);
            if (!_loop.Add(sequence)) throw new EngineOverloadedException("The server is shutting down.");
            return new TokenStream(sequence, output.Reader, promptLogprobs.Task, () => _loop.Cancel(id));
        }
        catch
        {
            request.Adapter.Dispose();
            throw;
        }
    }

    /// <summary>Merged weights, by adapter version.</summary>
    public IReadOnlyList<MergedSlotInfo> MergedSlots => _merging.Status.Slots;

    /// <summary>Memory of merged weights in bytes.</summary>
    public long MergedBytesUsed => _merging.Status.Bytes;

    /// <summary>Most memory that merged weights may take in bytes.</summary>
    public long MergedBytesBudget => _merging.Status.Budget;

    /// <summary>Merges an adapter version, which then stays merged until <see cref="UnmergeAsync"/>.</summary>
    /// <param name="lease">Not taken.</param>
    /// <param name="cancellationToken">Stops waiting, and the merge unless somebody else wants it.</param>
    /// <exception cref="MergedSlotsFullException">There can be no room for it.</exception>
    public async Task MergeAsync(AdapterLease lease, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _loop.InvokeAsync(() => _merging.Pin(lease, done));
        await using var registration = cancellationToken.Register(() =>
        {
            _ = _loop.InvokeAsync(() => _merging.Cancel(done));
            done.TrySetCanceled(cancellationToken);
        });
        await done.Task;
    }

    /// <summary>
    /// Lets go of the merged weights of a version, once no running sequence of mode merged needs them; false where it is not merged. Later
    /// demand may merge it again.
    /// </summary>
    public Task<bool> UnmergeAsync(string version) => _loop.InvokeAsync(() => _merging.Unmerge(version));

    /// <summary>Why a version is merged or not.</summary>
    public MergeDecision ExplainMerge(string version) =>
        _merging.Status.Decisions.GetValueOrDefault(version) ?? new MergeDecision { Version = version, IsMerged = false, IsPinned = false };

    /// <summary>
    /// SHA-256 over the base's weights as they lie in memory now: equal to <see cref="ModelInfo.Fingerprint"/> as long as nothing wrote to
    /// them.
    /// </summary>
    public Task<string> ComputeFingerprintAsync() => _loop.InvokeAsync(_model.Fingerprint);

    /// <summary>
    /// How far an adapter moves the distribution of the next token: the mean of KL(base || adapter) in nats over every position of a fixed
    /// set of prompts. Runs between the steps of other requests, and takes longer while they hold all KV blocks.
    /// </summary>
    /// <param name="adapter">Stays the caller's, and must be held until this completes.</param>
    /// <param name="cancellationToken">Ends it after the forward pass that is running.</param>
    /// <exception cref="NotFiniteNumberException">The adapter makes the logits overflow.</exception>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public Task<double> MeasureEffectAsync(AdapterLease adapter, CancellationToken cancellationToken) =>
        _effect.MeasureAsync(adapter, cancellationToken);

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
        Adapters.Dispose();
        _model.Dispose();
    }

    private static LlmEngine Start(EngineOptions options, IProgress<double>? progress, ILoggerFactory loggers)
    {
        NativeLibraries.Load();
        set_num_threads(options.Threads ?? Environment.ProcessorCount);
        var name = options.ServedModelName ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Model)));
        var config = ModelConfig.Load(options.Model);
        var maxModelLen = MaxModelLen(options, config);
        var tokenizer = Tokenizer.Load(Path.Combine(options.Model, "tokenizer.json"));
        var dtype = ComputeDtype.Parse(options.Dtype);
        var device = cuda.is_available() ? CUDA : CPU;
        var slots = KvSlots(options, config, maxModelLen, dtype);

        using var checkpoint = Checkpoint.Open(options.Model);
        var weights = BaseWeights.Load(config, checkpoint, dtype, device, progress);
        var cache = new KvCache(config.LayerCount, slots, config.KvHeadCount, config.HeadDim, dtype, device);
        var model = new BaseModel(config, weights, cache, maxModelLen);
        try
        {
            var fingerprint = weights.Fingerprint();
            var adapters = AdapterManager.Open(
                config.Modules(name),
                fingerprint,
                (dtype, device),
                weights.Weight,
                AdapterOptions(options),
                TimeProvider.System,
                Random.Shared,
                loggers.CreateLogger<AdapterManager>());
            var info = new ModelInfo
            {
                Name = name,
                Dtype = ComputeDtype.Name(dtype),
                Parameters = weights.Parameters,
                VocabularySize = config.VocabularySize,
                MaxModelLen = maxModelLen,
                DefaultSampling = SamplingParams.Recommended(config.Generation),
                Fingerprint = fingerprint,
            };
            var logger = loggers.CreateLogger<LlmEngine>();
            LogLoaded(logger, name, info.Parameters, info.Dtype, maxModelLen, slots);
            return new LlmEngine(options, model, info, tokenizer, adapters, slots, logger);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    // The first steps compile code and prepare kernels: no request should wait for that. A few more tell how long a step takes.
    private void WarmUp()
    {
        var sampling = new SamplingParams { Temperature = 0, MaxTokens = Math.Min(WarmUpTokens, Model.MaxModelLen - 1), IgnoreEos = true };
        using var stream = Submit(new GenerationRequest { Prompt = [0], Sampling = sampling, Adapter = AdapterLease.Base() });
        foreach (var _ in stream.Tokens.ReadAllAsync().ToBlockingEnumerable())
        {
        }
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

    // Room for every linear module of the layers once, but no more than a part of the machine: merged weights only save time.
    private static long MergedBytes(EngineOptions options, BaseWeights weights) =>
        options.MergedBytes ?? Math.Min(weights.LinearBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);

    private static int MaxModelLen(EngineOptions options, ModelConfig config)
    {
        var asked = options.MaxModelLen ?? config.MaxPositionEmbeddings;
        var isStretchable = config.Rotary.Type == RotaryType.Dynamic;
        var most = isStretchable ? ModelConfig.MaxPositions : config.MaxPositionEmbeddings;
        if (asked <= most) return asked;
        throw new InvalidCheckpointException(
            options.Model,
            [$"max-model-len: expected at most {(isStretchable ? most : $"the {most} of max_position_embeddings")}, found {asked}"]);
    }

    private static AdapterOptions AdapterOptions(EngineOptions options) => new()
    {
        DataFolder = options.Data,
        AdaptersFolder = options.Adapters,
        MaxRank = options.MaxLoraRank,
        CacheBytes = options.AdapterCacheBytes,
        Limits = options.UploadLimits,
    };

    private static int KvSlots(EngineOptions options, ModelConfig config, int maxModelLen, ScalarType dtype)
    {
        var bytes = 2L * config.LayerCount * config.KvHeadCount * config.HeadDim * (dtype == ScalarType.Float32 ? 4 : 2);
        var affordable = ((long)options.KvCacheMemory << 20) / bytes;
        var useful = (long)options.MaxNumSeqs * ((maxModelLen + BlockSize - 1) / BlockSize * BlockSize);
        var slots = Math.Min(affordable, useful) / BlockSize * BlockSize;
        if (slots > 0) return (int)Math.Min(slots, int.MaxValue / BlockSize * BlockSize);
        throw new InvalidCheckpointException(
            options.Model, [$"kv-cache-memory: expected at least {(bytes * BlockSize >> 20) + 1} MiB, found {options.KvCacheMemory}"]);
    }

    [LoggerMessage(
        LogLevel.Information,
        "Loaded {Model}: {Parameters} parameters in {Dtype}, context {MaxModelLen}, KV cache for {KvTokens} tokens")]
    private static partial void LogLoaded(ILogger logger, string model, long parameters, string dtype, int maxModelLen, int kvTokens);

    [LoggerMessage(LogLevel.Warning, "Not drained within {Timeout}: {Sequences} sequences are ended early")]
    private static partial void LogNotDrained(ILogger logger, TimeSpan timeout, int sequences);
}
