using LoraServe.Engine.Training.Ranks;

namespace LoraServe.Reports;

/// <summary>The rows of a study as texts.</summary>
internal static class RankTable
{
    private const double KiB = 1024;
    private const double MiB = KiB * KiB;

    /// <summary>The heading of each cell.</summary>
    public static IReadOnlyList<string> Columns { get; } =
        ["r", "placement", "examples", "trained weights", "share", "file", "training memory", "time", "loss", "exact match"];

    /// <summary>The cells of a row.</summary>
    public static IReadOnlyList<string> Cells(RankStudyRow row) =>
    [
        row.Rank is { } rank ? $"{rank}" : "full",
        row.Target,
        $"{row.DataSize:N0}",
        $"{row.Parameters:N0}",
        $"{row.Share:P2}",
        Size(row.Bytes),
        Size(row.TrainingBytes),
        $"{row.Elapsed.TotalSeconds:F0} s",
        Loss(row),
        row.ExactMatch is { } match ? WithError($"{match.Mean:P1}", $"{100 * match.StandardError:F1}", match) : "",
    ];

    private static string Loss(RankStudyRow row) => (row.Loss, row.Diverged) switch
    {
        (null, _) => "diverged",
        ({ } loss, 0) => WithError($"{loss.Mean:F4}", $"{loss.StandardError:F4}", loss),
        ({ } loss, var diverged) =>
            $"{WithError($"{loss.Mean:F4}", $"{loss.StandardError:F4}", loss)} ({diverged} of {diverged + row.Losses.Count} diverged)",
    };

    private static string WithError(string mean, string error, Spread spread) => spread.StandardError == 0 ? mean : $"{mean} ± {error}";

    private static string Size(long bytes) => bytes < MiB ? $"{bytes / KiB:N0} KiB" : $"{bytes / MiB:N1} MiB";
}
