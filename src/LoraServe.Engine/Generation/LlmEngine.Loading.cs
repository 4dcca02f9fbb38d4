using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Text.Templates;
using LoraServe.Text.Tokenizers;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <content>Loading: from options to an engine that has run its first steps.</content>
public sealed partial class LlmEngine
{
    private const int WarmUpTokens = 8;

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
        var threads = options.Threads ?? Environment.ProcessorCount;
        var engine = Start(options, threads, progress, loggers);
        try
        {
            engine._loop.InvokeAsync(() => OpenMp.TakeThreads(threads)).GetAwaiter().GetResult();
            engine.WarmUp();
            return engine;
        }
        catch
        {
            engine.Stop();
            throw;
        }
    }

    private static LlmEngine Start(EngineOptions options, int threads, IProgress<double>? progress, ILoggerFactory loggers)
    {
        NativeLibraries.Load();
        OpenMp.LeaveThreads(threads);
        var name = options.ServedModelName ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Model)));
        var config = ModelConfig.Load(options.Model);
        var maxModelLen = MaxModelLen(options, config);
        var tokenizer = Tokenizer.Load(options.Model);
        var templates = ChatTemplates.Load(options.Model);
        var dtype = ComputeDtype.Parse(options.Dtype);
        var device = cuda.is_available() ? CUDA : CPU;
        var slots = KvSlots(options, config, maxModelLen, dtype);

        using var checkpoint = Checkpoint.Open(options.Model);
        var weights = BaseWeights.Load(config, checkpoint, dtype, device, progress);
        var cache = new KvCache(config.LayerCount, slots, config.KvHeadCount, config.HeadDim, dtype, device);
        var model = new BaseModel(config, weights, cache, maxModelLen);
        try
        {
            var adapters = AdapterManager.Open(
                new AdapterBase
                {
                    Modules = config.Modules(name),
                    Fingerprint = weights.Fingerprint,
                    Dtype = dtype,
                    Device = device,
                    Tensor = weights.Weight,
                    Templates = templates,
                },
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
                Fingerprint = weights.Fingerprint,
                Checksum = weights.LoadedChecksum,
            };
            var logger = loggers.CreateLogger<LlmEngine>();
            foreach (var fault in templates.Faults) LogTemplateFault(logger, name, fault);
            LogLoaded(logger, name, info.Parameters, info.Dtype, maxModelLen, slots);
            var engine = new LlmEngine(options, model, info, tokenizer, templates, adapters, slots, logger);
            if (engine.EndTokens.Count > config.EosTokenIds.Count) LogTokenizersEnd(logger, name, tokenizer.Token(engine.EndTokens[^1])!);
            return engine;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static IReadOnlyList<int> TokensThatEnd(ModelConfig config, Tokenizer tokenizer, ChatTemplates templates) =>
        templates.SpecialTokens.TryGetValue("eos_token", out var eos) && tokenizer.TokenId(eos.GetString()!) is { } id
        && !config.EosTokenIds.Contains(id) && id < config.VocabularySize
            ? [.. config.EosTokenIds, id]
            : config.EosTokenIds;

    // The first steps compile code and prepare kernels: no request should wait for that. A few more tell how long a step takes.
    private void WarmUp()
    {
        var sampling = new SamplingParams { Temperature = 0, MaxTokens = Math.Min(WarmUpTokens, Model.MaxModelLen - 1), IgnoreEos = true };
        using var stream = Submit(new GenerationRequest { Prompt = [0], Sampling = sampling, Adapter = AdapterLease.Base() });
        foreach (var _ in stream.Tokens.ReadAllAsync().ToBlockingEnumerable())
        {
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
        TrashAge = options.TrashAge,
        RebuildRegistry = options.RebuildRegistry,
        AdaptersFolder = options.Adapters,
        MaxRank = options.MaxLoraRank,
        CacheBytes = options.AdapterCacheBytes,
        MaxLabels = options.MaxAdapterLabels,
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
        "Answers of {Model} end at {Token} too: it is the eos_token of tokenizer_config.json, though no eos_token_id of the model's configuration")]
    private static partial void LogTokenizersEnd(ILogger logger, string model, string token);

    [LoggerMessage(LogLevel.Warning, "{Model} cannot be used for chat as its folder says: {Fault}")]
    private static partial void LogTemplateFault(ILogger logger, string model, string fault);

    [LoggerMessage(
        LogLevel.Information,
        "Loaded {Model}: {Parameters} parameters in {Dtype}, context {MaxModelLen}, KV cache for {KvTokens} tokens")]
    private static partial void LogLoaded(ILogger logger, string model, long parameters, string dtype, int maxModelLen, int kvTokens);
}
