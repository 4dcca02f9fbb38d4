namespace LoraServe.Engine.Training.Ranks;

/// <summary>What a study found.</summary>
public sealed record RankStudyResult
{
    /// <summary>Every setting, full fine-tuning last.</summary>
    public required IReadOnlyList<RankStudyRow> Rows { get; init; }

    /// <summary>The smallest rank within one standard error of the best (Breiman et al. 1984, section 3.4.3), at the largest data size.</summary>
    public required int PlateauRank { get; init; }

    /// <summary>The placement that it is for.</summary>
    public required string PlateauTarget { get; init; }

    /// <summary>A sentence for a person.</summary>
    public required string Recommendation { get; init; }

    /// <summary>Why a small rank is enough; null where it was not asked for.</summary>
    public required RankSpectrum? Spectrum { get; init; }
}
