namespace LoraServe.Engine.Checkpoints;

/// <summary>What an adapter can refer to in a base model, by the paths of its checkpoint.</summary>
/// <param name="ModelName">The name of the served base.</param>
/// <param name="ModelType">The model_type of config.json, which decides PEFT's default target modules.</param>
/// <param name="Linears">Linear modules in the order of the forward pass, the output head last.</param>
/// <param name="Others">Every other module: "model.embed_tokens", "model.norm", "model.layers.0", "model.layers.0.self_attn", ...</param>
/// <param name="Head">Path of the output head, "lm_head", which all-linear leaves out.</param>
internal sealed record ModelModules(
    string ModelName, string ModelType, IReadOnlyList<LinearModule> Linears, IReadOnlyList<string> Others, string Head);
