using LoraServe.Engine.Training.Ranks;

namespace LoraServe.Plots;

/// <summary>A figure that settings of a study are compared by.</summary>
/// <param name="Name">For an axis.</param>
/// <param name="Of">The figure of a setting that did not diverge under every seed, in the unit of the axis.</param>
/// <param name="IsLogarithmic">Whether its axis is.</param>
internal sealed record RankMetric(string Name, Func<RankStudyRow, Spread> Of, bool IsLogarithmic)
{
    /// <summary>Held-out loss.</summary>
    public static RankMetric Loss { get; } = new("held-out loss (nats per token)", row => row.Loss!, IsLogarithmic: true);

    /// <summary>Held-out exact match; only where answers were generated.</summary>
    public static RankMetric ExactMatch { get; } = new(
        "exact match (%)", row => new Spread(100 * row.ExactMatch!.Mean, 100 * row.ExactMatch.StandardError), IsLogarithmic: false);

    /// <summary>Those that a study has, the one that decides first.</summary>
    public static IReadOnlyList<RankMetric> In(RankStudyResult result) =>
        result.Rows.All(row => row.Loss is null || row.ExactMatch is not null) ? [ExactMatch, Loss] : [Loss];
}
