using LoraServe.Engine.Models;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>What all layers share in one pass.</summary>
/// <param name="Lengths">Tokens of each example, one after the other.</param>
/// <param name="Cosine">Rotation of each token, whose positions start at 0 in each example, [tokens, headDim / 2] in float32.</param>
/// <param name="Sine">The same.</param>
/// <param name="Workspace">Memory of the pass.</param>
/// <param name="Dropout">What is dropped, or null.</param>
internal sealed record PassInputs(IReadOnlyList<int> Lengths, Tensor Cosine, Tensor Sine, Workspace Workspace, Dropout? Dropout)
{
    /// <summary>An uninitialised tensor that is freed with the slice.</summary>
    public Tensor New(params ReadOnlySpan<long> shape) => Workspace.Slice.Push(shape);

    /// <summary>Rotates x [tokens, heads, headDim], whose memory may be reused for the result, in the current dispose scope.</summary>
    /// <param name="x">Queries or keys.</param>
    /// <param name="direction">1, or -1 to rotate back.</param>
    public Tensor Rotate(Tensor x, int direction)
    {
        if (FusedSteps.Support(x, x.size(2) / 2))
        {
            FusedSteps.Rotate(x, Cosine, Sine, direction);
            return x;
        }

        using var scope = NewDisposeScope();
        var sine = direction < 0 ? Sine.neg() : Sine;
        return RotaryEmbedding.Rotate(x, Whole(Cosine, x.dtype), Whole(sine, x.dtype)).MoveToOuterDisposeScope();
    }

    // [tokens, 1, headDim]
    private static Tensor Whole(Tensor half, ScalarType dtype) => cat([half, half], dim: 1).unsqueeze(1).to(dtype);
}
