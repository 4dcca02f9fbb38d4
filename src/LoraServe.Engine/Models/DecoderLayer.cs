using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>One pre-norm transformer layer: x + attention(norm(x)), then x + mlp(norm(x)).</summary>
internal sealed class DecoderLayer(ModelConfig config, int layer, BaseWeights weights, KvCache cache) : IDisposable
{
    private readonly RmsNorm _inputNorm = weights.Norm($"{ModelLayout.Layer(layer)}.input_layernorm");
    private readonly Attention _attention = new(config, layer, weights, cache);
    private readonly RmsNorm _postAttentionNorm = weights.Norm($"{ModelLayout.Layer(layer)}.post_attention_layernorm");
    private readonly Mlp _mlp = new($"{ModelLayout.Layer(layer)}.mlp", weights);

    /// <summary>Adds the layer's contributions to x [tokens, hidden] in place.</summary>
    public void Forward(Tensor x, TokenTensors batch, AttentionInputs inputs)
    {
        using var scope = NewDisposeScope();
        x.AddInPlace(_attention.Forward(_inputNorm.Forward(x, batch.Lora), batch, inputs));
        x.AddInPlace(_mlp.Forward(_postAttentionNorm.Forward(x, batch.Lora), batch.Lora));
    }

    /// <summary>Frees the norms' constants.</summary>
    public void Dispose()
    {
        _inputNorm.Dispose();
        _attention.Dispose();
        _postAttentionNorm.Dispose();
    }
}
