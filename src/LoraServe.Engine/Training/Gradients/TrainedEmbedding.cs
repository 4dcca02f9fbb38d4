using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>The token embedding, forward and backward.</summary>
/// <param name="weight">[vocabulary, hidden], of the base in its own dtype or trained in the compute dtype, not owned.</param>
/// <param name="parameter">The weight if it is trained, else null.</param>
internal sealed class TrainedEmbedding(Tensor weight, TrainedParameter? parameter)
{
    /// <summary>Whether it is trained.</summary>
    public bool IsTrained => parameter is not null;

    /// <summary>The weight.</summary>
    public Tensor Weight => weight;

    /// <summary>Tokens [tokens], int64, to their rows [tokens, hidden].</summary>
    public Tensor Forward(Tensor tokens) => weight.index_select(0, tokens);

    /// <summary>Adds to the gradient.</summary>
    public void Backward(Tensor dy, Tensor tokens)
    {
        using var wide = dy.to(ScalarType.Float32);
        parameter?.Gradient.index_add_(0, tokens, wide, Constants.One);
    }
}
