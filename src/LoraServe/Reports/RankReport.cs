using System.Net;
using System.Text;
using LoraServe.Engine.Training.Ranks;
using LoraServe.Plots;

namespace LoraServe.Reports;

/// <summary>A study as one HTML page that needs no other file and no network.</summary>
internal static class RankReport
{
    private const string Style = """
        :root { color-scheme: light; }
        body { font: 16px/1.5 "Open Sans", "Segoe UI", Roboto, Helvetica, Arial, sans-serif; color: #222; background: #fff;
               max-width: 68rem; margin: 2.5rem auto; padding: 0 1.25rem; }
        h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
        .answer { border-left: 4px solid #0072B2; background: #f2f7fb; padding: .8rem 1rem; margin: 1.2rem 0; font-size: 1.05rem; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
        th, td { padding: .35rem .6rem; text-align: right; white-space: nowrap; }
        th:nth-child(2), td:nth-child(2) { text-align: left; }
        thead th { border-top: 2px solid #222; border-bottom: 1px solid #222; font-weight: 600; }
        tbody tr:last-child td { border-bottom: 2px solid #222; }
        tr.chosen td { background: #fdf3e7; font-weight: 600; } tr.full td { border-top: 1px solid #999; }
        figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; display: block; }
        figcaption { color: #555; font-size: .9rem; max-width: 56rem; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; font-size: .92rem; }
        dt { color: #555; } dd { margin: 0; overflow-wrap: anywhere; } code { font-size: .9em; }
        """;

    /// <param name="result">The study.</param>
    /// <param name="plots">Its plots, embedded in the page.</param>
    /// <param name="origin">How it was made.</param>
    public static string Html(RankStudyResult result, IReadOnlyList<RankPlot> plots, ReportOrigin origin)
    {
        var page = new StringBuilder();
        page.Append(
            $"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Which rank? {Text(origin.Model)}</title>
            <style>
            {Style}
            </style></head>
            <body>
            <h1>Which rank does the task need?</h1>
            <div>{Text(origin.Model)}; {result.TestExamples:N0} held-out examples, {result.GeneratedExamples:N0} of them generated</div>
            <p class="answer">{Text(result.Recommendation)}</p>
            <h2>Every setting</h2>
            <div class="wide"><table>
            <thead><tr>{Row("th", RankTable.Columns)}</tr></thead>
            <tbody>

            """);
        foreach (var row in result.Rows) page.Append($"<tr{Class(row, result)}>{Row("td", RankTable.Cells(row))}</tr>\n");
        page.Append(
            """
            </tbody></table></div>
            <p>Means over seeds with one standard error: of exact match over seeds and test examples, of the loss over seeds alone. Settings of which a seed diverged are not compared. Training memory is that of trained weights, gradients and the optimiser's state;
            activations come on top and are about the same for every setting. Time includes the evaluation.</p>
            <h2>Plots</h2>

            """);
        foreach (var plot in plots)
        {
            page.Append(
                $"""
                <figure><img alt="{Text(plot.Caption)}" src="data:image/png;base64,{Convert.ToBase64String(plot.Png)}">
                <figcaption>{Text(plot.Caption)}</figcaption></figure>

                """);
        }

        page.Append("<h2>What all trainings have in common</h2>\n<ul>\n");
        foreach (var rule in result.Rules) page.Append($"<li>{Text(rule)}</li>\n");
        page.Append(
            $"""
            </ul>
            <h2>How this was made</h2>
            <dl>
            <dt>command</dt><dd><code>{Text(origin.Command)}</code></dd>
            <dt>model</dt><dd>{Text(origin.Model)}, SHA-256 {Text(origin.Fingerprint)}</dd>
            <dt>machine</dt><dd>{Text(origin.Machine)}</dd>
            <dt>program</dt><dd>LoraServe {Text(origin.Version)}, {origin.Time:yyyy-MM-dd HH:mm} UTC</dd>
            </dl>
            </body>
            </html>

            """);
        return page.ToString();
    }

    private static string Class(RankStudyRow row, RankStudyResult result)
    {
        if (row.Rank is null) return " class=\"full\"";
        var isChosen = row.Rank == result.PlateauRank && row.Target == result.PlateauTarget
            && row.DataSize == result.ComparedSize;
        return isChosen ? " class=\"chosen\"" : "";
    }

    private static string Row(string tag, IEnumerable<string> cells) => string.Concat(cells.Select(cell => $"<{tag}>{Text(cell)}</{tag}>"));

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
