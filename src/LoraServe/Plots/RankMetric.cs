using LoraServe.Engine.Training.Ranks;

namespace LoraServe.Plots;

/// <summary>A figure by which the settings of a study are compared.</summary>
/// <param name="Name">Axis title.</param>
/// <param name="Of">The figure of a setting for which some seed did not diverge, in the unit of the axis.</param>
/// <param name="IsLogarithmic">Whether its axis is logarithmic.</param>
internal sealed record RankMetric(string Name, Func<RankStudyRow, Spread> Of, bool IsLogarithmic)
{
    /// <summary>Held-out loss.</summary>
    public static RankMetric Loss { get; } = new("held-out loss (nats per token)", row => row.Loss!, IsLogarithmic: true);

    /// <summary>Held-out exact match; only if answers were generated.</summary>
    public static RankMetric ExactMatch { get; } = new(
        "exact match (%)", row => new Spread(100 * row.ExactMatch!.Mean, 100 * row.ExactMatch.StandardError), IsLogarithmic: false);

    /// <summary>The metrics of a study, the deciding one first.</summary>
    public static IReadOnlyList<RankMetric> In(RankStudyResult result) =>
        result.Rows.All(row => row.Loss is null || row.ExactMatch is not null) ? [ExactMatch, Loss] : [Loss];
}
