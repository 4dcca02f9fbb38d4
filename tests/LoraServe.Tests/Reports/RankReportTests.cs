using System.Text.RegularExpressions;
using LoraServe.Plots;
using LoraServe.Reports;
using LoraServe.Tests.Plots;

namespace LoraServe.Tests.Reports;

public partial class RankReportTests
{
    private static readonly ReportOrigin Origin = new()
    {
        Command = "loraserve rank --data a&b.jsonl",
        Model = "demo",
        Fingerprint = "abc",
        Machine = "2 cores",
        Version = "0.1.0",
        Time = DateTimeOffset.UnixEpoch,
    };

    [Fact]
    public void Html_Study_IsOnePageThatNeedsNothingElse()
    {
        var study = SampleStudy.Result();
        var plots = RankPlots.Of(study);

        var page = RankReport.Html(study, plots, Origin);

        Sources().Matches(page).Select(match => match.Groups[1].Value).ShouldAllBe(source => source.StartsWith("data:image/png;base64,"));
        Sources().Count(page).ShouldBe(plots.Count);
        // The letters of a link may stand in a picture's base64 by chance.
        var markup = Sources().Replace(page, "");
        markup.ShouldNotContain("http");
        markup.ShouldNotContain("<script");
    }

    [Fact]
    public void Html_Study_SaysWhatToTakeAndMarksItsRow()
    {
        var page = RankReport.Html(SampleStudy.Result(), [], Origin);

        page.ShouldContain("Take r = 2 on all-linear: &lt;b&gt;good&lt;/b&gt;.");
        page.ShouldContain("<tr class=\"chosen\"><td>2</td><td>all-linear</td><td>400</td>");
        Regex.Count(page, "class=\"chosen\"").ShouldBe(1);
        Regex.Count(page, "<tr class=\"full\">").ShouldBe(2);
        page.ShouldContain("loraserve rank --data a&amp;b.jsonl");
    }

    [Fact]
    public void Html_SettingsThatDiverged_AreShownAsSuch()
    {
        var study = SampleStudy.Result();
        var page = RankReport.Html(
            study with
            {
                Rows =
                [
                    study.Rows[0] with { Diverged = 2, Losses = [], ExactMatches = [] }, study.Rows[1] with { Diverged = 1 }, .. study.Rows.Skip(2),
                ],
            },
            [],
            Origin);

        page.ShouldContain("<td>diverged</td>");
        page.ShouldContain("(1 of 3 diverged)</td>");
    }

    [GeneratedRegex("(?:src|href)=\"([^\"]*)\"")]
    private static partial Regex Sources();
}
