namespace LoraServe.Engine.Checkpoints;

/// <summary>
/// A linear module of the base model, which LoRA can adapt; its weight is [<paramref name="OutFeatures"/>,
/// <paramref name="InFeatures"/>].
/// </summary>
/// <param name="Path">The module's path in the checkpoint without ".weight", for example "model.layers.0.self_attn.q_proj".</param>
/// <param name="InFeatures">Size of the input's last dimension.</param>
/// <param name="OutFeatures">Size of the output's last dimension.</param>
/// <param name="HasBias">Whether the checkpoint has a bias [<paramref name="OutFeatures"/>] for the module.</param>
internal sealed record LinearModule(string Path, int InFeatures, int OutFeatures, bool HasBias);
