namespace LoraServe.Engine.Peft;

/// <summary>Ranks and alphas of adapted modules and the resulting scaling, for both serving and training.</summary>
internal record LoraScaling
{
    /// <summary>r, for modules that no pattern names.</summary>
    public required int Rank { get; init; }

    /// <summary>lora_alpha, for modules that no pattern names.</summary>
    public required double Alpha { get; init; }

    /// <summary>Whether scaling is alpha / sqrt(r) instead of alpha / r.</summary>
    public required bool UsesRsLora { get; init; }

    /// <summary>rank_pattern in the file's order: the first pattern that matches a module applies.</summary>
    public required IReadOnlyList<(PeftPattern Pattern, int Rank)> RankPattern { get; init; }

    /// <summary>alpha_pattern, likewise.</summary>
    public required IReadOnlyList<(PeftPattern Pattern, double Alpha)> AlphaPattern { get; init; }

    public int RankOf(string path) => First(RankPattern, path, Rank);

    public double AlphaOf(string path) => First(AlphaPattern, path, Alpha);

    /// <summary>s in y = W x + s B (A x).</summary>
    public double ScalingOf(string path) => ScalingOf(path, RankOf(path));

    /// <summary>The same for a known rank.</summary>
    public double ScalingOf(string path, int rank) => AlphaOf(path) / (UsesRsLora ? Math.Sqrt(rank) : rank);

    private static T First<T>(IReadOnlyList<(PeftPattern Pattern, T Value)> patterns, string path, T otherwise)
    {
        foreach (var (pattern, value) in patterns)
            if (pattern.IsMatch(path)) return value;
        return otherwise;
    }
}
