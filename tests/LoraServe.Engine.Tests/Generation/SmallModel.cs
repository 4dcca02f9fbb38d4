using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Scheduling;
using LoraServe.Tests;
using TorchSharp;

namespace LoraServe.Engine.Tests.Generation;

/// <summary>A golden checkpoint in float32 whose logits are computed two rows at a time.</summary>
internal sealed class SmallModel : IDisposable
{
    public const int RowsOfSlice = 2;

    private const int BlockSize = 4;

    private readonly ModelConfig _config = ModelConfig.Load(GoldenData.Path("checkpoints", "llama-gqa"));

    public SmallModel()
    {
        using var files = Checkpoint.Open(GoldenData.Path("checkpoints", "llama-gqa"));
        Weights = BaseWeights.Load(_config, files, torch.ScalarType.Float32, torch.CPU, progress: null);
        Model = DecoderChoice.Create(_config, Weights, Blocks.Count, BlockSize, _config.MaxPositionEmbeddings, threads: 1);
    }

    public KvBlockPool Blocks { get; } = new(count: 16, BlockSize);

    public BaseWeights Weights { get; }

    public BaseModel Model { get; }

    public int Vocabulary => _config.VocabularySize;

    public int SliceBytes => RowsOfSlice * sizeof(float) * _config.VocabularySize;

    public ModelRunner Runner() => new(Model, BlockSize, SliceBytes);

    /// <summary>An adapter of the output head that adds the same to all logits; owned by the caller.</summary>
    public LoraAdapter OfHead(float factor) => new(
        new AdapterVersionId("head"),
        new Dictionary<string, LinearUpdate>
        {
            [ModelLayout.Head] = new LowRankUpdate(torch.ones(1, _config.HiddenSize), torch.full(_config.VocabularySize, 1, factor)),
        });

    public void Dispose() => Model.Dispose();
}
