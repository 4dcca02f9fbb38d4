using System.Buffers.Binary;
using LoraServe.Engine.Training.Results;
using LoraServe.Plots;
using ScottPlot;

namespace LoraServe.Tests.Plots;

public class PlotTests
{
    [Fact]
    public void Font_AnyMachine_IsTheOneThatTheProgramBrings()
    {
        PlotFont.Register();

        using var regular = Fonts.GetTypeface(PlotFont.Family, bold: false, italic: false);
        regular.FamilyName.ShouldBe("Open Sans");
        regular.ContainsGlyphs("r = 8 ± 0.5 %").ShouldBeTrue();
    }

    [Fact]
    public void Of_SizesPlacementsAndSeeds_DrawsEveryPlot()
    {
        var plots = RankPlots.Of(SampleStudy.Result());

        plots.Select(plot => plot.Name).ShouldBe(
            ["quality-over-rank", "quality-over-parameters", "data-size-attention", "data-size-all-linear", "spectrum", "overlap"]);
        plots.ShouldAllBe(plot => IsPng(plot.Png) && plot.Caption.Length > 0);
        Width(plots[0].Png).ShouldBe(2 * Width(Figure.Png(Figure.Create("", "", ""))));
    }

    [Fact]
    public void Of_NothingGenerated_DrawsTheLossAlone()
    {
        var plots = RankPlots.Of(SampleStudy.Result(generated: 0));

        Width(plots[0].Png).ShouldBe(Width(Figure.Png(Figure.Create("", "", ""))));
    }

    [Fact]
    public void Of_SettingsThatDiverged_DrawsTheOthersAndNamesThem()
    {
        var study = SampleStudy.Result();
        var rows = study.Rows.Select(row => row is { Rank: 4, Target: "all-linear" } or { Rank: null }
            ? row with { Diverged = 2, Losses = [], ExactMatches = [] }
            : row);

        var plots = RankPlots.Of(study with { Rows = [.. rows], Spectrum = null });

        plots.Select(plot => plot.Name).ShouldBe(["quality-over-rank", "quality-over-parameters", "data-size-attention", "data-size-all-linear"]);
        plots.ShouldAllBe(plot => IsPng(plot.Png));
        plots[0].Caption.ShouldEndWith("Seeds that diverged are missing: r = 4 on all-linear; full fine-tuning.");
    }

    [Fact]
    public void LossCurve_StepsWithAndWithoutEvaluations_IsDrawn()
    {
        StepMade[] steps = [.. Enumerable.Range(1, 20).Select(i => new StepMade(i, 2.0 / i, 0.5, 1e-3, 1, 100, TimeSpan.FromSeconds(1)))];
        var evaluated = new Evaluated(10, new EvaluationFigures(0.5, 0.9, 0.7, 10, 10), IsBest: true);

        var alone = LossCurve.Png("task", steps, []);
        var both = LossCurve.Png("task", steps, [evaluated, evaluated with { Step = 20 }]);

        IsPng(alone).ShouldBeTrue();
        IsPng(both).ShouldBeTrue();
        both.ShouldNotBe(alone);
    }

    private static bool IsPng(byte[] file) => file.AsSpan(1, 3).SequenceEqual("PNG"u8);

    // The header chunk begins at byte 16 with the width.
    private static int Width(byte[] png) => BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16));
}
