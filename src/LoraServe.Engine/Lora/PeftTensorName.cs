namespace LoraServe.Engine.Lora;

/// <summary>What a tensor of an adapter file is for.</summary>
internal enum PeftRole
{
    /// <summary>A [r, in].</summary>
    LoraA,

    /// <summary>B [out, r].</summary>
    LoraB,

    /// <summary>A copy of the frozen weight, which PEFT adds when the output head or the embedding is adapted.</summary>
    BaseWeight,

    /// <summary>A trained bias of the base.</summary>
    BaseBias,

    LoraBias,
    Embedding,
    DoraMagnitude,
    TrainableTokens,
    Mlx,
    Kohya,
    Gguf,

    /// <summary>A weight or bias under a module's own name: a module saved whole, if the base has it.</summary>
    Whole,
    Unknown,
}

/// <summary>A tensor's name in an adapter file, read as the path of a module of the base and a role.</summary>
/// <param name="Path">As the base's checkpoint has it: without PEFT's prefix and without what wrappers of training put between.</param>
/// <param name="Role">Decided by the last components of the name.</param>
internal readonly record struct PeftTensorName(string Path, PeftRole Role)
{
    // Left by torch.compile, FSDP and activation checkpointing in a raw state dict.
    private static readonly string[] Wrappers = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

    private static readonly Dictionary<string, PeftRole> Markers = new(StringComparer.Ordinal)
    {
        ["lora_A"] = PeftRole.LoraA,
        ["lora_B"] = PeftRole.LoraB,
        ["base_layer"] = PeftRole.BaseWeight,
        ["lora_embedding_A"] = PeftRole.Embedding,
        ["lora_embedding_B"] = PeftRole.Embedding,
        ["lora_magnitude_vector"] = PeftRole.DoraMagnitude,
        ["token_adapter"] = PeftRole.TrainableTokens,
        ["modules_to_save"] = PeftRole.Whole,
        ["original_module"] = PeftRole.Whole,
        ["lora_a"] = PeftRole.Mlx,
        ["lora_b"] = PeftRole.Mlx,
    };

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
        if (marker < 0)
        {
            return parts is [.. var module, "weight" or "bias"]
                ? new PeftTensorName(string.Join('.', module), PeftRole.Whole)
                : new PeftTensorName(name, PeftRole.Unknown);
        }

        return new PeftTensorName(string.Join('.', parts[..marker]), (Markers[parts[marker]], parts[(marker + 1)..]) switch
        {
            (PeftRole.LoraA or PeftRole.LoraB, ["weight"] or [_, "weight"]) => Markers[parts[marker]],
            (PeftRole.LoraA or PeftRole.LoraB, ["bias"] or [_, "bias"]) => PeftRole.LoraBias,
            (PeftRole.BaseWeight, ["weight"]) => PeftRole.BaseWeight,
            (PeftRole.BaseWeight, ["bias"]) => PeftRole.BaseBias,
            (PeftRole.LoraA or PeftRole.LoraB or PeftRole.BaseWeight, _) => PeftRole.Unknown,
            (var role, _) => role,
        });
    }
}
