using LoraServe.Engine.Training.Ranks;
using ScottPlot;

namespace LoraServe.Plots;

/// <summary>A plot of a study as a file.</summary>
/// <param name="Name">Without extension: the file's name.</param>
/// <param name="Caption">What it shows and how to read it.</param>
/// <param name="Png">The file.</param>
internal sealed record RankPlot(string Name, string Caption, byte[] Png);

/// <summary>All plots of a study.</summary>
internal static class RankPlots
{
    private const int MapWidth = 560;
    private const int MapHeight = 470;

    /// <summary>In reading order.</summary>
    public static IReadOnlyList<RankPlot> Of(RankStudyResult result)
    {
        var metrics = RankMetric.In(result);
        var seeds = result.Rows[0].Losses.Count + result.Rows[0].Diverged;
        List<RankPlot> plots =
        [
            new(
                "quality-over-rank",
                $"Held-out figures over the rank, mean of {seeds} seeds with one standard error, of exact match over seeds and test examples, of "
                    + "the loss over seeds alone. The dotted line is the smallest rank within one standard error of the best." + Missing(result),
                Figure.Png([.. metrics.Select(metric => new RankCurve(result, metric).OverRank())])),
            new(
                "quality-over-parameters",
                "The same over the number of trained weights, so that placements can be compared at equal cost.",
                Figure.Png([.. metrics.Select(metric => new RankCurve(result, metric).OverParameters())])),
        ];
        if (result.Rows.Select(row => row.DataSize).Distinct().Count() > 1) plots.AddRange(DataSizes(result, metrics[0], seeds));
        if (result.Spectrum is null) return plots;
        plots.Add(SpectrumPlots.Values(result.Spectrum));
        if (result.Spectrum.Modules.All(module => module.Overlap.Count > 0)) plots.Add(SpectrumPlots.Overlap(result.Spectrum));
        return plots;
    }

    private static IEnumerable<RankPlot> DataSizes(RankStudyResult result, RankMetric metric, int seeds)
    {
        var sizes = result.Rows.Select(row => row.DataSize).Distinct().Order().ToList();
        foreach (var placement in result.Rows.Where(row => row.Rank is not null).GroupBy(row => row.Target))
        {
            var ranks = placement.Select(row => row.Rank).Distinct().Order().ToList();
            var full = result.Rows.Any(row => row.Rank is null);
            var columns = ranks.Concat(full ? [null] : []).ToList();
            var cells = sizes.Select(size => columns.Select(rank =>
                FigureOf(result.Rows.First(row => row.Rank == rank && row.DataSize == size && (rank is null || row.Target == placement.Key))))
                .ToList()).ToList();
            var plot = HeatMap.Of(
                Figure.Create($"Rank and data, {placement.Key}", "rank r", "training examples"),
                [.. cells.Select(row => row.ConvertAll(cell => cell.Mean))],
                [.. columns.Select(rank => rank is null ? "full" : $"{rank}")],
                [.. sizes.Select(size => $"{size}")],
                metric.Name,
                errors: [.. cells.Select(row => row.ConvertAll(cell => cell.StandardError))]);
            yield return new RankPlot(
                $"data-size-{FileName(placement.Key)}",
                $"Rank against the number of training examples on {placement.Key}, all with the same number of steps: means of {seeds} seeds "
                    + "and their standard errors.",
                Figure.Png(plot, MapWidth + 80, MapHeight - 70));
        }

        Spread FigureOf(RankStudyRow row) => row.Loss is null ? new(double.NaN, 0) : metric.Of(row);
    }

    private static string Missing(RankStudyResult result)
    {
        var diverged = result.Rows.Where(row => row.Diverged > 0 && row.DataSize == result.ComparedSize)
            .Select(row => row.Rank is null ? "full fine-tuning" : $"r = {row.Rank} on {row.Target}").ToList();
        return diverged.Count == 0 ? "" : $" Seeds that diverged are missing: {string.Join("; ", diverged)}.";
    }

    private static string FileName(string target) => string.Concat(target.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-'));
}
