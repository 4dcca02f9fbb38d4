namespace LoraServe.Engine.Lora;

/// <summary>What an adapter_config.json says about the forward pass, once everything else in it has been checked.</summary>
internal sealed record PeftConfig
{
    public const string FileName = "adapter_config.json";

    /// <summary>r, for modules that no pattern names.</summary>
    public required int Rank { get; init; }

    /// <summary>lora_alpha, for modules that no pattern names.</summary>
    public required double Alpha { get; init; }

    /// <summary>Whether scaling is alpha / sqrt(r) instead of alpha / r.</summary>
    public required bool UsesRsLora { get; init; }

    /// <summary>Whether each module's weight is normalised by rows and scaled by trained magnitudes (DoRA).</summary>
    public required bool UsesDora { get; init; }

    /// <summary>Whether lora_B has a bias.</summary>
    public required bool HasLoraBias { get; init; }

    /// <summary>Which biases of the base were trained.</summary>
    public required TrainedBiases TrainedBiases { get; init; }

    /// <summary>rank_pattern in the file's order: the first pattern that matches a module counts.</summary>
    public required IReadOnlyList<(PeftPattern Pattern, int Rank)> RankPattern { get; init; }

    /// <summary>alpha_pattern, likewise.</summary>
    public required IReadOnlyList<(PeftPattern Pattern, double Alpha)> AlphaPattern { get; init; }

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

    public int RankOf(string path) => First(RankPattern, path, Rank);

    public double AlphaOf(string path) => First(AlphaPattern, path, Alpha);

    /// <summary>s in y = W x + s B (A x).</summary>
    public double ScalingOf(string path) => AlphaOf(path) / (UsesRsLora ? Math.Sqrt(RankOf(path)) : RankOf(path));

    private static T First<T>(IReadOnlyList<(PeftPattern Pattern, T Value)> patterns, string path, T otherwise)
    {
        foreach (var (pattern, value) in patterns)
            if (pattern.IsMatch(path)) return value;
        return otherwise;
    }
}
