using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>
/// Rotary position embedding (Su et al. 2021) in the half-split layout of Hugging Face checkpoints, with tables for all positions.
/// </summary>
internal sealed class RotaryEmbedding : IDisposable
{
    // [maxModelLen, headDim], float32
    private readonly Tensor _cosine;
    private readonly Tensor _sine;

    /// <summary>Computes the tables for positions below <paramref name="maxModelLen"/>.</summary>
    public RotaryEmbedding(ModelConfig config, int maxModelLen, Device device)
    {
        using var scope = NewDisposeScope();
        var frequencies = RotaryFrequencies.Compute(config.Rotary, config.HeadDim, config.MaxPositionEmbeddings, maxModelLen);
        var inverse = tensor(Array.ConvertAll(frequencies, frequency => (float)frequency)).unsqueeze(0);
        var positions = tensor(Array.ConvertAll([.. Enumerable.Range(0, maxModelLen)], position => (float)position)).unsqueeze(1);
        var half = positions.mul(inverse);
        var angles = cat([half, half], dim: 1);
        var scale = tensor((float)config.Rotary.AttentionFactor);
        _cosine = angles.cos().mul_(scale).to(device).DetachFromDisposeScope();
        _sine = angles.sin().mul_(scale).to(device).DetachFromDisposeScope();
    }

    /// <summary>
    /// Cosine and sine of the given positions, [tokens, 1, headDim] each, in the compute dtype, to be shared by all layers.
    /// </summary>
    public (Tensor Cosine, Tensor Sine) At(Tensor positions, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var cosine = _cosine.index_select(0, positions).unsqueeze_(1).to(dtype);
        var sine = _sine.index_select(0, positions).unsqueeze_(1).to(dtype);
        return (cosine.MoveToOuterDisposeScope(), sine.MoveToOuterDisposeScope());
    }

    /// <summary>Rotates x [tokens, heads, headDim]; the caller owns the result.</summary>
    public static Tensor Rotate(Tensor x, Tensor cosine, Tensor sine)
    {
        using var scope = NewDisposeScope();
        var half = x.size(-1) / 2;
        var turned = cat([x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)], dim: -1);
        return x.mul(cosine).AddInPlace(turned.mul_(sine)).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the tables.</summary>
    public void Dispose()
    {
        _cosine.Dispose();
        _sine.Dispose();
    }
}
