using TorchSharp;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>Scalars that live as long as the process: one that is made for a call may be freed by the finalizer while libtorch reads it.</summary>
internal static class Constants
{
    /// <summary>1</summary>
    public static readonly Scalar One = 1.ToScalar();

    /// <summary>-1</summary>
    public static readonly Scalar MinusOne = (-1).ToScalar();
}
