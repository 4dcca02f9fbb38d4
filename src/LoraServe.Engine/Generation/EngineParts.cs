using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Generation;

/// <summary>The parts of an <see cref="LlmEngine"/>, put together: the thread with all that runs on it, and those who send it work.</summary>
internal sealed class EngineParts : IDisposable
{
    /// <summary>Starts the engine's thread.</summary>
    /// <param name="options">Limits.</param>
    /// <param name="model">Stays the caller's.</param>
    /// <param name="adapters">Stay the caller's.</param>
    /// <param name="logger">For the log lines of all.</param>
    public EngineParts(EngineOptions options, LoadedModel model, AdapterManager adapters, ILogger logger)
    {
        var (weights, info) = (model.Model.Weights, model.Info);
        var blocks = new KvBlockPool(model.KvTokens / EngineSizes.BlockSize, EngineSizes.BlockSize);
        var scheduler = new Scheduler(options.MaxNumSeqs, options.MaxNumBatchedTokens, blocks, options.MaxLoras, options.EnablePrefixCaching);
        var runner = new ModelRunner(model.Model, blocks.BlockSize);
        Metrics = new EngineMetrics(logger);
        Merging = new MergeService(
            weights, EngineSizes.MergedBytes(options, weights), adapters.Cache, TimeProvider.System, MergeMetrics, logger);
        Loop = new EngineLoop(
            scheduler,
            new StepRunner(runner, new Sampler(info.VocabularySize), Merging, Metrics, logger),
            Merging,
            new BackgroundWork(options.TrainingShare, TimeProvider.System),
            logger);
        Limits = new PromptLimits(info, scheduler);
        Submissions = new Submissions(Loop, Limits, model.EndTokens, options.MaxQueuedSeqs);
        Merges = new PinnedMerges(Loop, Merging);
        Verification = new BaseVerification(Loop, weights);
        var prompts = EffectPrompts.Encode(model.Tokenizer, info.VocabularySize);
        Probe = new EffectProbe(Loop, runner, blocks, prompts, Math.Min(info.MaxModelLen, model.KvTokens));
        Effects = new EffectReports(adapters, Probe);
    }

    public EngineMetrics Metrics { get; }

    public MergeMetrics MergeMetrics { get; } = new();

    public MergeService Merging { get; }

    public EngineLoop Loop { get; }

    public PromptLimits Limits { get; }

    public Submissions Submissions { get; }

    public PinnedMerges Merges { get; }

    public BaseVerification Verification { get; }

    public EffectProbe Probe { get; }

    public EffectReports Effects { get; }

    /// <summary>Fails what is still running, ends the thread and frees its tensors.</summary>
    public void Dispose()
    {
        Loop.Dispose();
        Effects.Dispose();
    }
}
