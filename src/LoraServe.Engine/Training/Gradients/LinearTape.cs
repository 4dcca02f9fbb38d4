using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>What the linear modules of a group need on the way back.</summary>
internal sealed class LinearTape
{
    /// <summary>A x of all modules [tokens, sum of r]; null where none has A.</summary>
    public Tensor? Shrunk { get; set; }

    /// <summary>For each module with a magnitude, its result before it was scaled [tokens, out].</summary>
    public Tensor?[] Directions { get; set; } = [];
}
