namespace LoraServe.Engine.Peft;

/// <summary>The options of PEFT's LoraConfig by their effect on serving.</summary>
internal static class PeftOptions
{
    /// <summary>Read by <see cref="PeftConfigReader"/>, or without any effect on the forward pass of a trained adapter.</summary>
    public static readonly IReadOnlySet<string> Known = new HashSet<string>(StringComparer.Ordinal)
    {
        "peft_type", "task_type", "base_model_name_or_path", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern",
        "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "fan_in_fan_out", "bias", "init_lora_weights",
        "auto_mapping", "revision", "inference_mode", "peft_version", "lora_dropout", "megatron_core", "qalora_group_size",
        "use_dora", "lora_bias", "modules_to_save", "trainable_token_indices", "alora_invocation_tokens",
        "loftq_config", "eva_config", "corda_config", "lora_ga_config", "velora_config", "runtime_config", "ensure_weight_tying",
    };

    /// <summary>Unsupported options that change the forward pass, with a description of each.</summary>
    public static readonly IReadOnlyDictionary<string, string> Unsupported = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["target_parameters"] = "LoRA on bare parameters",
        ["layer_replication"] = "replicated layers",
        ["use_qalora"] = "QALoRA",
        ["use_bdlora"] = "block-diagonal LoRA",
        ["arrow_config"] = "Arrow routing",
        ["kasa_config"] = "KaSA",
        ["megatron_config"] = "Megatron's parallel modules",
        ["monteclora_config"] = "MonteCLoRA",
    };

    /// <summary>Values of init_lora_weights that left the base model's own weights as they were; flags as some tools write them among them.</summary>
    public static readonly IReadOnlySet<string> HarmlessInits =
        new HashSet<string>(StringComparer.Ordinal) { "true", "false", "gaussian", "orthogonal", "eva", "mica" };
}
