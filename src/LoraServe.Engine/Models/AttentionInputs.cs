using LoraServe.Engine.Checkpoints;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>Inputs of attention shared by all layers in one forward pass: the rotation of the new tokens and their masks.</summary>
internal sealed class AttentionInputs
{
    // A window has at least one position, so that 0 can stand for none.
    private const int FullAttention = 0;

    // One list for each distinct window, in the order of the spans.
    private readonly Dictionary<int, Tensor?[]> _masks = [];
    private readonly bool[] _isSliced;
    private readonly int _group;

    /// <summary>Computes them once; they belong to the current dispose scope.</summary>
    /// <param name="config">The model.</param>
    /// <param name="rotary">Its rotations.</param>
    /// <param name="batch">The new tokens.</param>
    /// <param name="dtype">The compute dtype.</param>
    /// <param name="mostElements">The limit on mask elements of one window; spans that would need more have no mask and are sliced.</param>
    public AttentionInputs(ModelConfig config, RotaryEmbedding rotary, TokenTensors batch, ScalarType dtype, long mostElements)
    {
        (Cosine, Sine) = rotary.At(batch.Positions, dtype);
        (_group, MostElements) = (config.HeadCount / config.KvHeadCount, mostElements);
        var left = mostElements;
        _isSliced = [.. batch.Spans.Select(span => (left -= AttentionMask.Elements(span.Count, span.Context, _group)) < 0 && span.Count > 1)];
        foreach (var window in config.SlidingWindows.Distinct())
            _masks[window ?? FullAttention] = [.. batch.Spans.Select((span, i) => _isSliced[i] ? null : Mask(span.Count, span.Context, window))];
    }

    /// <summary>The largest number of elements of a mask.</summary>
    public long MostElements { get; }

    /// <summary>[tokens, 1, headDim]</summary>
    public Tensor Cosine { get; }

    /// <summary>[tokens, 1, headDim]</summary>
    public Tensor Sine { get; }

    /// <summary>The masks of layers with this window, one for each span; see <see cref="AttentionMask.Create"/>.</summary>
    public IReadOnlyList<Tensor?> Masks(int? window) => _masks[window ?? FullAttention];

    /// <summary>Whether the mask of a span would be too large, so that its queries attend slice by slice.</summary>
    public bool IsSliced(int span) => _isSliced[span];

    /// <summary>The mask of the last new tokens of a context; the caller owns it.</summary>
    public Tensor? Mask(int queries, int context, int? window) =>
        AttentionMask.Create(queries, context, window, _group, Cosine.dtype, Cosine.device);
}
