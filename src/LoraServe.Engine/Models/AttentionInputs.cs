using LoraServe.Engine.Checkpoints;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>What the attention of all layers shares in one forward pass: the rotation of the new tokens and their masks.</summary>
internal sealed class AttentionInputs
{
    // A window has at least one position, so that 0 can stand for none.
    private const int FullAttention = 0;

    // One list for each distinct window, in the order of the spans.
    private readonly Dictionary<int, Tensor?[]> _masks = [];

    /// <summary>Computes them once; they belong to the current dispose scope.</summary>
    public AttentionInputs(ModelConfig config, RotaryEmbedding rotary, ForwardBatch batch, ScalarType dtype)
    {
        (Cosine, Sine) = rotary.At(batch.Positions, dtype);
        var group = config.HeadCount / config.KvHeadCount;
        foreach (var window in config.SlidingWindows.Distinct())
        {
            _masks[window ?? FullAttention] =
                [.. batch.Spans.Select(span => AttentionMask.Create(span.Count, span.Context, window, group, dtype, Cosine.device))];
        }
    }

    /// <summary>[tokens, 1, headDim]</summary>
    public Tensor Cosine { get; }

    /// <summary>[tokens, 1, headDim]</summary>
    public Tensor Sine { get; }

    /// <summary>The masks of layers with this window, one for each span; see <see cref="AttentionMask.Create"/>.</summary>
    public IReadOnlyList<Tensor?> Masks(int? window) => _masks[window ?? FullAttention];
}
