using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Generation;

/// <summary>From options to an engine that has run its first steps.</summary>
internal static partial class EngineLoader
{
    // Enough for the first step times, which the merge controller learns from; each takes start-up time. Not measured.
    private const int WarmUpTokens = 8;

    /// <inheritdoc cref="LlmEngine.Load"/>
    public static LlmEngine Load(EngineOptions options, IProgress<double>? progress, ILoggerFactory loggers, Task? mayOpen)
    {
        var loading = new ModelLoading(options, progress);
        var engine = Start(options, loading.Load(), loggers, mayOpen);
        try
        {
            engine.InvokeAsync(() => OpenMp.TakeThreads(loading.Threads)).GetAwaiter().GetResult();
            WarmUp(engine);
            return engine;
        }
        catch
        {
            engine.Stop();
            throw;
        }
    }

    private static LlmEngine Start(EngineOptions options, LoadedModel model, ILoggerFactory loggers, Task? mayOpen)
    {
        var logger = loggers.CreateLogger<LlmEngine>();
        try
        {
            mayOpen?.GetAwaiter().GetResult();
            var adapters = OpenAdapters(options, model, loggers.CreateLogger<AdapterManager>());
            Log(logger, model);
            return new LlmEngine(options, model, adapters, logger);
        }
        catch
        {
            model.Model.Dispose();
            throw;
        }
    }

    private static AdapterManager OpenAdapters(EngineOptions options, LoadedModel model, ILogger<AdapterManager> logger)
    {
        var (config, weights) = (model.Model.Config, model.Model.Weights);
        return AdapterManager.Open(
            new AdapterBase
            {
                Modules = config.Modules(model.Info.Name),
                Fingerprint = weights.Fingerprint,
                Dtype = weights.Dtype,
                Device = weights.Device,
                Tensor = weights.Weight,
                Templates = model.Templates,
            },
            new AdapterOptions
            {
                DataFolder = options.Data,
                TrashAge = options.TrashAge,
                RebuildRegistry = options.RebuildRegistry,
                AdaptersFolder = options.Adapters,
                MaxRank = options.MaxLoraRank,
                CacheBytes = options.AdapterCacheBytes,
                MaxLabels = options.MaxAdapterLabels,
                Limits = options.UploadLimits,
            },
            TimeProvider.System,
            Random.Shared,
            logger);
    }

    // The first steps compile code and prepare kernels: no request should wait for that.
    private static void WarmUp(LlmEngine engine)
    {
        var tokens = Math.Min(WarmUpTokens, engine.Model.MaxModelLen - 1);
        var sampling = new SamplingParams { Temperature = 0, MaxTokens = tokens, IgnoreEos = true };
        using var stream = engine.Submit(new GenerationRequest { Prompt = [0], Sampling = sampling, Adapter = AdapterLease.Base() });
        foreach (var _ in stream.Tokens.ReadAllAsync().ToBlockingEnumerable())
        {
        }
    }

    private static void Log(ILogger logger, LoadedModel model)
    {
        var info = model.Info;
        foreach (var fault in model.Templates.Faults) LogTemplateFault(logger, info.Name, fault);
        LogLoaded(logger, info.Name, info.Parameters, info.Dtype, info.MaxModelLen, model.KvTokens, model.Model.Description);
        if (model.EndTokens.Count > model.Model.Config.EosTokenIds.Count)
            LogTokenizersEnd(logger, info.Name, model.Tokenizer.Token(model.EndTokens[^1])!);
    }

    [LoggerMessage(
        LogLevel.Information,
        "Answers of {Model} end at {Token} too: it is the eos_token of tokenizer_config.json, though no eos_token_id of the model's configuration")]
    private static partial void LogTokenizersEnd(ILogger logger, string model, string token);

    [LoggerMessage(LogLevel.Warning, "{Model} cannot be used for chat as its folder says: {Fault}")]
    private static partial void LogTemplateFault(ILogger logger, string model, string fault);

    [LoggerMessage(
        LogLevel.Information,
        "Loaded {Model}: {Parameters} parameters in {Dtype}, context {MaxModelLen}, KV cache for {KvTokens} tokens, computed by {Decoder}")]
    private static partial void LogLoaded(ILogger logger, string model, long parameters, string dtype, int maxModelLen, int kvTokens, string decoder);
}
