namespace LoraServe.Engine.Peft;

/// <summary>A tensor's name in an adapter file, parsed into the path of a base module and a role.</summary>
/// <param name="Path">The path in the base's checkpoint: without PEFT's prefix and the components added by wrappers.</param>
/// <param name="Role">The role given by the last components of the name.</param>
internal readonly record struct PeftTensorName(string Path, PeftRole Role)
{
    // Left in a raw state dict by torch.compile, FSDP and activation checkpointing, and by PEFT around trained tokens.
    private static readonly string[] Wrappers = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "token_adapter"];

    private static readonly Dictionary<string, PeftRole> Markers = new(StringComparer.Ordinal)
    {
        ["lora_A"] = PeftRole.LoraA,
        ["lora_B"] = PeftRole.LoraB,
        ["lora_embedding_A"] = PeftRole.EmbeddingA,
        ["lora_embedding_B"] = PeftRole.EmbeddingB,
        ["lora_magnitude_vector"] = PeftRole.Magnitude,
        ["trainable_tokens_delta"] = PeftRole.TokenRows,
        ["modules_to_save"] = PeftRole.Weight,
        ["base_layer"] = PeftRole.BaseWeight,
        ["original_module"] = PeftRole.BaseWeight,
        ["lora_a"] = PeftRole.Mlx,
        ["lora_b"] = PeftRole.Mlx,
    };

    /// <summary>The name that PEFT gives to A or B of a linear module or of the embedding, and to the bias of B.</summary>
    public string Format() => $"base_model.model.{Path}.{Role switch
    {
        PeftRole.LoraA => "lora_A.weight",
        PeftRole.LoraB => "lora_B.weight",
        PeftRole.LoraBias => "lora_B.bias",
        PeftRole.EmbeddingA => "lora_embedding_A",
        PeftRole.EmbeddingB => "lora_embedding_B",
        var other => throw new InvalidOperationException($"{other} is not part of a low-rank update."),
    }}";

    /// <summary>
    /// For example "base_model.model.model.layers.0.mlp.up_proj.lora_A.default.weight", whose "default" is the adapter's name.
    /// </summary>
    public static PeftTensorName Parse(string name)
    {
        if (name.StartsWith("lora_unet_", StringComparison.Ordinal) || name.StartsWith("lora_te_", StringComparison.Ordinal)
            || name.Contains("lora_down", StringComparison.Ordinal) || name.Contains("lora_up", StringComparison.Ordinal))
            return new PeftTensorName(name, PeftRole.Kohya);
        if (name.StartsWith("blk.", StringComparison.Ordinal)) return new PeftTensorName(name, PeftRole.Gguf);

        var parts = name.Split('.').Where(part => !Wrappers.Contains(part)).ToArray();
        if (parts is ["base_model", "model", .. var inner]) parts = inner;
        var marker = Array.FindLastIndex(parts, Markers.ContainsKey);
        if (marker < 0) return OfModule(parts, "", PeftRole.Weight, PeftRole.Bias) ?? new PeftTensorName(name, PeftRole.Unknown);

        var path = string.Join('.', parts[..marker]);
        return (Markers[parts[marker]], parts[(marker + 1)..]) switch
        {
            (var role and (PeftRole.LoraA or PeftRole.LoraB), ["weight"] or [_, "weight"]) => new PeftTensorName(path, role),
            (PeftRole.LoraB, ["bias"] or [_, "bias"]) => new PeftTensorName(path, PeftRole.LoraBias),
            (var role and (PeftRole.EmbeddingA or PeftRole.EmbeddingB or PeftRole.TokenRows), [] or [_]) => new PeftTensorName(path, role),
            (PeftRole.Magnitude, [] or [_] or [_, "weight"]) => new PeftTensorName(path, PeftRole.Magnitude),
            (PeftRole.Weight, [_, .. var within]) => OfModule(within, path, PeftRole.Weight, PeftRole.Bias),
            (PeftRole.BaseWeight, var within) => OfModule(within, path, PeftRole.BaseWeight, PeftRole.BaseBias),
            (PeftRole.Mlx, _) => new PeftTensorName(path, PeftRole.Mlx),
            _ => null,
        } ?? new PeftTensorName(path, PeftRole.Unknown);
    }

    // "weight" or "bias" below a path; the module may be nested inside the saved or wrapped one.
    private static PeftTensorName? OfModule(string[] parts, string path, PeftRole weight, PeftRole bias) => parts switch
    {
        [.. var module, "weight"] => new PeftTensorName(Join(path, module), weight),
        [.. var module, "bias"] => new PeftTensorName(Join(path, module), bias),
        _ => null,
    };

    private static string Join(string path, string[] module) => string.Join('.', path.Length == 0 ? module : [path, .. module]);
}
