using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>What the linear modules of a group need in the backward pass.</summary>
internal sealed class LinearTape
{
    /// <summary>A x of all modules [tokens, sum of r]; null if none has A.</summary>
    public Tensor? Shrunk { get; set; }

    /// <summary>For each module with a magnitude, its result before it was scaled [tokens, out].</summary>
    public Tensor?[] Directions { get; set; } = [];
}
