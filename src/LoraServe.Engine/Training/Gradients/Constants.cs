using TorchSharp;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>Scalars that live as long as the process: the finalizer may free one made for a call while libtorch still reads it.</summary>
internal static class Constants
{
    /// <summary>1</summary>
    public static readonly Scalar One = 1.ToScalar();

    /// <summary>-1</summary>
    public static readonly Scalar MinusOne = (-1).ToScalar();
}
