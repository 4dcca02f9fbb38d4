using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Text.Templates;
using LoraServe.Text.Tokenizers;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <summary>Reads a base model: weights on the calling thread, text beside it. Changes nothing in the data folder.</summary>
/// <param name="options">Already validated by the host for form; files are checked here.</param>
/// <param name="progress">Receives the fraction of weights loaded, 0 to 1.</param>
internal sealed class ModelLoading(EngineOptions options, IProgress<double>? progress)
{
    // Enough to compile what a step runs.
    private const int WarmUpSteps = 2;

    /// <summary>Threads that compute.</summary>
    public int Threads => options.Threads ?? Environment.ProcessorCount;

    /// <summary>The model, which then is the caller's.</summary>
    public LoadedModel Load()
    {
        var config = ModelConfig.Load(options.Model);
        var maxModelLen = EngineSizes.MaxModelLen(options, config);
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

    private (Tokenizer Tokenizer, ChatTemplates Templates) LoadText() => (Tokenizer.Load(options.Model), ChatTemplates.Load(options.Model));

    private LoadedModel Load(ModelConfig config, int maxModelLen, Task<(Tokenizer Tokenizer, ChatTemplates Templates)> text)
    {
        NativeLibraries.Load();
        OpenMp.LeaveThreads(Threads);
        var dtype = ComputeDtype.Parse(options.Dtype);
        var device = cuda.is_available() ? CUDA : CPU;
        var kvTokens = EngineSizes.KvTokens(options, config, maxModelLen, dtype);
        using var checkpoint = Checkpoint.Open(options.Model);
        var weights = BaseWeights.Load(config, checkpoint, dtype, device, progress);
        try
        {
            var (tokenizer, templates) = text.GetAwaiter().GetResult();
            var decoder = DecoderChoice.Create(config, weights, kvTokens / EngineSizes.BlockSize, EngineSizes.BlockSize, maxModelLen, Threads);
            WarmUp(decoder);
            return new LoadedModel(decoder, Info(config, weights, maxModelLen), tokenizer, templates, kvTokens);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    // In the first block, which no sequence holds yet.
    private static void WarmUp(BaseModel decoder)
    {
        using var mode = inference_mode();
        var batch = new ForwardBatch(EngineSizes.BlockSize);
        var logits = new float[decoder.Config.VocabularySize];
        for (var step = 0; step < WarmUpSteps; step++)
        {
            batch.Clear();
            batch.TokenIds.Add(0);
            batch.Positions.Add(0);
            batch.Spans.Add(new AttentionSpan(0, 1, 1, [0]));
            batch.LogitTokens.Add(0);
            decoder.Forward(batch);
            decoder.Logits(0, logits);
        }
    }

    private ModelInfo Info(ModelConfig config, BaseWeights weights, int maxModelLen) => new()
    {
        Name = options.ServedModelName ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Model))),
        Dtype = ComputeDtype.Name(weights.Dtype),
        Parameters = weights.Parameters,
        VocabularySize = config.VocabularySize,
        MaxModelLen = maxModelLen,
        DefaultSampling = SamplingParams.Recommended(config.Generation),
        Fingerprint = weights.Fingerprint,
        Checksum = weights.LoadedChecksum,
    };
}
