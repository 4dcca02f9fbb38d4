using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>A linear module y = W x + b and its trained parts.</summary>
/// <param name="Path">Its path in the checkpoint.</param>
/// <param name="Number">Its index among all linear modules of the model, trained or not.</param>
/// <param name="Weight">W [out, in], of the base in its own dtype or trained in the compute dtype, not owned.</param>
/// <param name="Bias">b [out] in the compute dtype, or null.</param>
internal sealed record TrainedLinear(string Path, int Number, Tensor Weight, Tensor? Bias)
{
    /// <summary>A and B beside a frozen W, or null.</summary>
    public LowRankFactors? Factors { get; init; }

    /// <summary>W if it is trained itself, or null.</summary>
    public TrainedParameter? WeightParameter { get; init; }

    /// <summary>b if it is trained itself, or null.</summary>
    public TrainedParameter? BiasParameter { get; init; }

    /// <summary>Whether any of it is trained.</summary>
    public bool IsTrained => Factors is not null || WeightParameter is not null;
}
