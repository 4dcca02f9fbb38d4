using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Text.Templates;
using LoraServe.Text.Tokenizers;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <summary>
/// A base model that is being read on a thread of its own, which changes nothing: it can begin before it is known whether the server may start.
/// </summary>
public sealed class ModelLoading
{
    private readonly Task<LoadedModel> _model;
    private readonly CancellationTokenSource _abandoned = new();
    private volatile IProgress<double>? _progress;

    private ModelLoading(EngineOptions options)
    {
        Options = options;
        _model = Task.Factory.StartNew(Load, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>What is being loaded.</summary>
    public EngineOptions Options { get; }

    /// <summary>Threads that compute.</summary>
    internal int Threads => Options.Threads ?? Environment.ProcessorCount;

    /// <summary>Begins.</summary>
    public static ModelLoading Begin(EngineOptions options) => new(options);

    /// <summary>Ends it as soon as that is safe, and frees what there is.</summary>
    public void Abandon()
    {
        _abandoned.Cancel();
        try
        {
            _model.GetAwaiter().GetResult().Model.Dispose();
        }
        catch (Exception)
        {
            // Whatever it was about, nobody will use the model.
        }
    }

    /// <summary>The model, which then is the caller's.</summary>
    /// <param name="progress">Receives the fraction of weights loaded, 0 to 1.</param>
    internal LoadedModel Wait(IProgress<double>? progress)
    {
        _progress = progress;
        return _model.GetAwaiter().GetResult();
    }

    private LoadedModel Load()
    {
        var config = ModelConfig.Load(Options.Model);
        var maxModelLen = EngineSizes.MaxModelLen(Options, config);
        var text = Task.Factory.StartNew(LoadText, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            return Load(config, maxModelLen, text);
        }
        catch
        {
            // The tokenizer's faults come first.
            text.GetAwaiter().GetResult();
            throw;
        }
    }

    private (Tokenizer Tokenizer, ChatTemplates Templates) LoadText() => (Tokenizer.Load(Options.Model), ChatTemplates.Load(Options.Model));

    private LoadedModel Load(ModelConfig config, int maxModelLen, Task<(Tokenizer Tokenizer, ChatTemplates Templates)> text)
    {
        NativeLibraries.Load();
        OpenMp.LeaveThreads(Threads);
        var dtype = ComputeDtype.Parse(Options.Dtype);
        var device = cuda.is_available() ? CUDA : CPU;
        var kvTokens = EngineSizes.KvTokens(Options, config, maxModelLen, dtype);
        using var checkpoint = Checkpoint.Open(Options.Model);
        var weights = BaseWeights.Load(config, checkpoint, dtype, device, new Relay(this));
        try
        {
            var (tokenizer, templates) = text.GetAwaiter().GetResult();
            var decoder = DecoderChoice.Create(config, weights, kvTokens / EngineSizes.BlockSize, EngineSizes.BlockSize, maxModelLen, Threads);
            return new LoadedModel(decoder, Info(config, weights, maxModelLen), tokenizer, templates, kvTokens);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private ModelInfo Info(ModelConfig config, BaseWeights weights, int maxModelLen) => new()
    {
        Name = Options.ServedModelName ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Options.Model))),
        Dtype = ComputeDtype.Name(weights.Dtype),
        Parameters = weights.Parameters,
        VocabularySize = config.VocabularySize,
        MaxModelLen = maxModelLen,
        DefaultSampling = SamplingParams.Recommended(config.Generation),
        Fingerprint = weights.Fingerprint,
        Checksum = weights.LoadedChecksum,
    };

    private sealed class Relay(ModelLoading loading) : IProgress<double>
    {
        public void Report(double value)
        {
            loading._abandoned.Token.ThrowIfCancellationRequested();
            loading._progress?.Report(value);
        }
    }
}
