using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>
/// The one-standard-error rule (Breiman et al. 1984, section 3.4.3): of all settings within one standard error of the best, choose the one
/// that trains the fewest weights. Settings are compared at the largest data size, by exact match where answers were generated, else by
/// loss; settings with a diverged seed are left out.
/// </summary>
/// <param name="Best">The setting with the best mean.</param>
/// <param name="Chosen">The cheapest setting on the plateau.</param>
internal sealed record RankPlateau(RankStudyRow Best, RankStudyRow Chosen)
{
    private const double KiB = 1024;

    /// <summary>Chooses among the rows of a study.</summary>
    /// <param name="rows">At least one with a rank.</param>
    /// <exception cref="TrainingFailedException">All of them diverged.</exception>
    public static RankPlateau Of(IReadOnlyList<RankStudyRow> rows)
    {
        if (!rows.Any(IsCompared))
        {
            throw new TrainingFailedException(
                "Every rank diverged under one seed at least: nothing can be compared. Study them with a lower learning rate or more warm-up steps.")
            {
                HasDiverged = true,
            };
        }

        var largest = ComparedSize(rows);
        var candidates = rows.Where(row => IsCompared(row) && row.DataSize == largest).OrderBy(row => row.Parameters).ToList();
        var best = candidates.MaxBy(Goodness)!;
        var least = Goodness(best) - StandardError(best);
        return new RankPlateau(best, candidates.First(row => Goodness(row) >= least));
    }

    /// <summary>The data size at which ranks are compared.</summary>
    /// <param name="rows">At least one with a rank that did not diverge.</param>
    public static int ComparedSize(IReadOnlyList<RankStudyRow> rows) => rows.Where(IsCompared).Max(row => row.DataSize);

    /// <summary>The recommendation, as text.</summary>
    /// <param name="rows">All of the study.</param>
    public string Recommend(IReadOnlyList<RankStudyRow> rows)
    {
        var cost = $"it trains {Chosen.Parameters:N0} weights, {Chosen.Share:P2} of the model, and its file takes {Chosen.Bytes / KiB:N0} KiB";
        var why = Chosen == Best
            ? "no setting that trains fewer weights comes within one standard error of it"
            : $"within one standard error of the best, r = {Best.Rank} on {Best.Target} with {Figure(Best)}";
        var text = $"Take r = {Chosen.Rank} on {Chosen.Target}: {Figure(Chosen)}, {why}; {cost}.";
        var full = rows.LastOrDefault(row => row is { Rank: null, Losses.Count: > 0 } && row.DataSize == Chosen.DataSize);
        if (full is null) return text;
        return $"{text} Full fine-tuning reaches {Figure(full)} with {(double)full.Parameters / Chosen.Parameters:N0} times the trained weights.";
    }

    private static bool IsCompared(RankStudyRow row) => row is { Rank: not null, Diverged: 0 };

    // Larger is better.
    private static double Goodness(RankStudyRow row) => row.ExactMatch?.Mean ?? -row.Loss!.Mean;

    private static double StandardError(RankStudyRow row) => (row.ExactMatch ?? row.Loss!).StandardError;

    private static string Figure(RankStudyRow row)
    {
        var spread = row.ExactMatch ?? row.Loss!;
        var text = row.ExactMatch is not null
            ? (Name: "exact match", Mean: $"{spread.Mean:P1}", Error: $"{100 * spread.StandardError:F1}")
            : (Name: "loss", Mean: $"{spread.Mean:F4}", Error: $"{spread.StandardError:F4}");
        return spread.StandardError == 0 ? $"{text.Name} {text.Mean}" : $"{text.Name} {text.Mean} ± {text.Error}";
    }
}
