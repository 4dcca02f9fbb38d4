using System.Runtime.InteropServices;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>The decoder on libtorch: for GPUs, and for processors where its products are the faster ones.</summary>
internal sealed class TorchDecoder : BaseModel
{
    private readonly KvCache _cache;
    private readonly RotaryEmbedding _rotary;
    private readonly LoraEmbedding _embedding;
    private readonly DecoderLayer[] _layers;
    private readonly RmsNorm _norm;
    private readonly LoraLinear _head;
    private readonly LoraBatch _wanted = new();
    private ForwardBatch? _batch;
    private Tensor? _hidden;

    /// <summary>Builds the modules over weights and a KV cache that it then owns.</summary>
    public TorchDecoder(ModelConfig config, BaseWeights weights, KvCache cache, int maxModelLen) : base(config, weights)
    {
        _cache = cache;
        _rotary = new RotaryEmbedding(config, maxModelLen, weights.Device);
        _embedding = new LoraEmbedding(weights.Embedding);
        _layers = [.. Enumerable.Range(0, config.LayerCount).Select(layer => new DecoderLayer(config, layer, weights, cache))];
        _norm = weights.Norm(ModelLayout.FinalNorm);
        _head = weights.Head;
    }

    /// <summary>The same with a new KV cache for this many tokens.</summary>
    public static TorchDecoder Create(ModelConfig config, BaseWeights weights, int kvTokens, int maxModelLen) => new(
        config, weights, new KvCache(config.LayerCount, kvTokens, config.KvHeadCount, config.HeadDim, weights.Dtype, weights.Device), maxModelLen);

    /// <summary>The limit on elements of attention masks in memory at the same time.</summary>
    public long MostMaskElements { get; init; } = 1L << 26;

    public override string Description => $"libtorch on {Weights.Device.type.ToString().ToLowerInvariant()}";

    public override void Forward(ForwardBatch batch)
    {
        using var scope = NewDisposeScope();
        _batch = batch;
        var inputs = new TokenTensors(batch, Weights.Device);
        var attention = new AttentionInputs(Config, _rotary, inputs, Weights.Dtype, MostMaskElements);
        var x = _embedding.Forward(inputs.TokenIds, batch.Lora);
        foreach (var layer in _layers) layer.Forward(x, inputs, attention);
        var wanted = tensor(batch.LogitTokens.Select(token => (long)token).ToArray(), device: Weights.Device);
        _wanted.Take(batch.Lora, batch.LogitTokens, 0, batch.LogitTokens.Count);
        _hidden?.Dispose();
        _hidden = _norm.Forward(x.index_select(0, wanted), _wanted).DetachFromDisposeScope();
    }

    public override void Logits(int first, Span<float> logits)
    {
        using var scope = NewDisposeScope();
        var batch = _batch ?? throw new InvalidOperationException("There has been no pass yet.");
        var count = logits.Length / Config.VocabularySize;
        _wanted.Take(batch.Lora, batch.LogitTokens, first, count);
        var values = _head.Forward(_hidden!.narrow(0, first, count), _wanted).to(ScalarType.Float32).cpu();
        MemoryMarshal.Cast<byte, float>(values.bytes).CopyTo(logits);
    }

    /// <summary>Frees everything, weights and KV cache included.</summary>
    public override void Dispose()
    {
        foreach (var layer in _layers) layer.Dispose();
        _hidden?.Dispose();
        _norm.Dispose();
        _rotary.Dispose();
        _cache.Dispose();
        base.Dispose();
    }
}
