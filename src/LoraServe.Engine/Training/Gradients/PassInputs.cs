using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>What all layers share in one pass.</summary>
/// <param name="Lengths">Tokens of each example, one after the other.</param>
/// <param name="Cosine">Rotation of each token, whose positions start at 0 in each example, [tokens, 1, headDim] in the compute dtype.</param>
/// <param name="Sine">The same.</param>
/// <param name="Dropout">What is dropped, or null.</param>
internal sealed record PassInputs(IReadOnlyList<int> Lengths, Tensor Cosine, Tensor Sine, Dropout? Dropout);
