using LoraServe.Engine.Training.Ranks;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace LoraServe.Plots;

/// <summary>Why a small rank suffices: how few directions the updates of a high rank use, and which of them two seeds share.</summary>
internal static class SpectrumPlots
{
    private const int MaxOverlaps = 2;

    // Up to this many, every index has a tick, otherwise every fourth.
    private const int FewTicks = 8;
    private const int TickEvery = 4;

    // As a fraction of the largest singular value: smaller ones count as zero.
    private const double Least = 1e-4;

    /// <summary>Singular values of s B A, by kind of module: the mean over layers.</summary>
    public static RankPlot Values(RankSpectrum spectrum)
    {
        var plot = Figure.Create(
            $"Singular values of s B A at r = {spectrum.Rank}", "index", "part of the largest");
        var kinds = Kinds(spectrum).ToList();
        for (var i = 0; i < kinds.Count; i++)
        {
            var values = Enumerable.Range(0, spectrum.Rank).Select(index => kinds[i].Average(module => Part(module, index))).ToArray();
            var line = plot.Add.Scatter(
                Enumerable.Range(1, spectrum.Rank).Select(index => (double)index).ToArray(),
                values.Select(value => LogAxis.Place(Math.Max(value, Least))).ToArray(),
                Figure.ColorOf(i));
            (line.LineWidth, line.MarkerSize) = (2, 4);
            line.LegendText = $"{kinds[i].Key} (effective rank {kinds[i].Average(module => module.EffectiveRank):F1})";
        }

        var names = Names(spectrum.Rank);
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. names.Select((_, i) => i + 1.0)], [.. names]);
        LogAxis.Label(plot, plot.Axes.Left);
        plot.ShowLegend(Edge.Right);
        return new RankPlot(
            "spectrum",
            $"Singular values of the trained updates at r = {spectrum.Rank} on {spectrum.Target}, mean over layers. The effective rank is the "
                + "exponential of the entropy of the normalised values.",
            Figure.Png(plot, 760, 440));
    }

    /// <summary>Which directions two seeds share: <see cref="ModuleSpectrum.Overlap"/>, the mean over layers.</summary>
    public static RankPlot Overlap(RankSpectrum spectrum)
    {
        var kinds = Kinds(spectrum).OrderBy(kind => kind.Key is "q_proj" ? 0 : kind.Key is "v_proj" ? 1 : 2).Take(MaxOverlaps).ToList();
        var plots = kinds.Select(kind => Overlap(kind.Key, [.. kind.Select(module => module.Overlap)])).ToList();
        var (rank, inputs) = (spectrum.Rank, kinds[0].First().InFeatures);
        return new RankPlot(
            "overlap",
            $"How far the first i directions of one seed's update and the first j of another's span the same subspace, mean over layers "
                + $"(Grassmann similarity, Hu et al. 2021, section 7.2; 1 is the same). Random subspaces would have max(i, j) / {inputs}, at most "
                + $"{(double)rank / inputs:F2}. Where only the first rows and columns are bright, only the first directions carry what the task needs.",
            Figure.Png(plots, 520, 430));
    }

    private static Plot Overlap(string kind, IReadOnlyList<IReadOnlyList<IReadOnlyList<double>>> layers)
    {
        var (rows, columns) = (layers.Min(layer => layer.Count), layers.Min(layer => layer.Min(row => row.Count)));
        var mean = Enumerable.Range(0, rows).Select(i => Enumerable.Range(0, columns).Select(j => layers.Average(layer => layer[i][j])).ToList());
        return HeatMap.Of(
            Figure.Create($"Overlap of two seeds, {kind}", "j, second seed", "i, first seed"),
            [.. mean],
            Names(columns),
            Names(rows),
            "similarity",
            new ScottPlot.Range(0, 1));
    }

    private static IReadOnlyList<string> Names(int count) =>
        [.. Enumerable.Range(1, count).Select(i => count <= FewTicks || i == 1 || i % TickEvery == 0 ? $"{i}" : "")];

    private static IEnumerable<IGrouping<string, ModuleSpectrum>> Kinds(RankSpectrum spectrum) =>
        spectrum.Modules.GroupBy(module => module.Path[(module.Path.LastIndexOf('.') + 1)..]);

    private static double Part(ModuleSpectrum module, int index) =>
        index < module.SingularValues.Count && module.SingularValues[0] > 0 ? module.SingularValues[index] / module.SingularValues[0] : 0;
}
