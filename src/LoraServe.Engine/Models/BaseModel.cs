using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>
/// The frozen decoder: embedding, layers, norm, output head. Adapters act beside its modules and never on its weights.
/// </summary>
internal sealed class BaseModel : IDisposable
{
    private readonly BaseWeights _weights;
    private readonly KvCache _cache;
    private readonly RotaryEmbedding _rotary;
    private readonly LoraEmbedding _embedding;
    private readonly DecoderLayer[] _layers;
    private readonly RmsNorm _norm;
    private readonly LoraLinear _head;

    /// <summary>Builds the modules over weights and a KV cache that it then owns.</summary>
    public BaseModel(ModelConfig config, BaseWeights weights, KvCache cache, int maxModelLen)
    {
        Config = config;
        (_weights, _cache) = (weights, cache);
        _rotary = new RotaryEmbedding(config, maxModelLen, weights.Device);
        _embedding = new LoraEmbedding(weights.Embedding);
        _layers = [.. Enumerable.Range(0, config.LayerCount).Select(layer => new DecoderLayer(config, layer, weights, cache))];
        _norm = weights.Norm(ModelLayout.FinalNorm);
        _head = weights.Head;
    }

    /// <summary>The shape of the model.</summary>
    public ModelConfig Config { get; }

    /// <summary>The frozen weights.</summary>
    public BaseWeights Weights => _weights;

    /// <summary>The device on which tensors of a batch must be.</summary>
    public Device Device => _weights.Device;

    /// <summary>The limit on elements of attention masks in memory at the same time.</summary>
    public long MostMaskElements { get; init; } = 1L << 26;

    /// <summary>
    /// One forward pass up to the output head: stores keys and values of the batch's tokens and returns the last hidden states
    /// [wanted tokens, hidden] of <see cref="ForwardBatch.LogitTokens"/>. The caller owns the result.
    /// </summary>
    public Tensor Hidden(ForwardBatch batch)
    {
        using var scope = NewDisposeScope();
        var inputs = new AttentionInputs(Config, _rotary, batch, _weights.Dtype, MostMaskElements);
        var x = _embedding.Forward(batch.TokenIds, batch.Lora);
        foreach (var layer in _layers) layer.Forward(x, batch, inputs);
        var wanted = tensor(batch.LogitTokens.Select(token => (long)token).ToArray(), device: Device);
        return _norm.Forward(x.index_select(0, wanted), batch.Lora.Select(batch.LogitTokens)).MoveToOuterDisposeScope();
    }

    /// <summary>The float32 logits [tokens, vocabulary] of hidden states [tokens, hidden]. The caller owns the result.</summary>
    /// <param name="hidden">Of <see cref="Hidden"/>, all or some of them.</param>
    /// <param name="lora">The adapters of these tokens.</param>
    public Tensor Logits(Tensor hidden, LoraBatch lora)
    {
        using var scope = NewDisposeScope();
        return _head.Forward(hidden, lora).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>See <see cref="BaseWeights.Checksum"/>.</summary>
    public string Checksum() => _weights.Checksum();

    /// <summary>Frees everything, weights and KV cache included.</summary>
    public void Dispose()
    {
        foreach (var layer in _layers) layer.Dispose();
        _norm.Dispose();
        _rotary.Dispose();
        _cache.Dispose();
        _weights.Dispose();
    }
}
