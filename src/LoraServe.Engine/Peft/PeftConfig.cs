using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Peft;

/// <summary>What an adapter_config.json says about the forward pass, once everything else in it has been checked.</summary>
internal sealed record PeftConfig : LoraScaling
{
    public const string FileName = "adapter_config.json";

    /// <summary>Whether each module's weight is normalised by rows and scaled by trained magnitudes (DoRA).</summary>
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

    /// <summary>Of an activated LoRA: the tokens from whose last occurrence on it acts. Empty for others.</summary>
    public required IReadOnlyList<int> InvocationTokens { get; init; }

    /// <summary>Whether embedding and head of a base that ties them were trained as one (ensure_weight_tying).</summary>
    public required bool TiesWeights { get; init; }

    /// <summary>What the file calls its base model.</summary>
    public required string? BaseModelName { get; init; }
}
