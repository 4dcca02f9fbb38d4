using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Peft;

/// <summary>The settings of an adapter_config.json that affect the forward pass, after all other settings have been checked.</summary>
internal sealed record PeftConfig : LoraScaling
{
    public const string FileName = "adapter_config.json";

    /// <summary>Whether each module's weight is normalized by rows and scaled by trained magnitudes (DoRA).</summary>
    public required bool UsesDora { get; init; }

    /// <summary>Whether lora_B has a bias.</summary>
    public required bool HasLoraBias { get; init; }

    /// <summary>Which biases of the base were trained.</summary>
    public required TrainedBiases TrainedBiases { get; init; }

    /// <summary>Which modules are adapted.</summary>
    public required TargetModules Targets { get; init; }

    /// <summary>Modules that are replaced.</summary>
    public required SavedModules Saved { get; init; }

    /// <summary>Rows that are replaced in embedding or head.</summary>
    public required IReadOnlyList<TrainableTokens> TrainableTokens { get; init; }

    /// <summary>For activated LoRA: the adapter acts from the last occurrence of these tokens on. Empty for others.</summary>
    public required IReadOnlyList<int> InvocationTokens { get; init; }

    /// <summary>Whether tied embedding and head were trained as one weight (ensure_weight_tying).</summary>
    public required bool TiesWeights { get; init; }

    /// <summary>The name of the base model in the file.</summary>
    public required string? BaseModelName { get; init; }
}
