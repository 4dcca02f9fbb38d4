using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace LoraServe.Benchmarks.Load;

/// <summary>The figures of a run as a table for people or as JSON for programs.</summary>
internal static class LoadReport
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        WriteIndented = true,
    };

    public static void Print(IAnsiConsole console, LoadResult result)
    {
        var options = result.Options;
        console.WriteLine(
            $"{options.Url}: {options.Requests} requests, {options.Concurrency} at a time, at most {options.MaxTokens} tokens each, "
            + $"{result.Elapsed.TotalSeconds:F1} s");
        var table = new Table().Border(TableBorder.Markdown);
        table.AddColumn("adapter");
        string[] columns =
        [
            "completed", "failed", "first token ms p50", "p95", "inter-token ms p50", "p95", "requests/s", "tokens", "tokens/s",
        ];
        foreach (var column in columns)
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var row in result.Statistics)
        {
            table.AddRow(
                Markup.Escape(row.Adapter), $"{row.Completed}", $"{row.Failed}", $"{row.FirstTokenP50:F0}", $"{row.FirstTokenP95:F0}",
                $"{row.InterTokenP50:F1}", $"{row.InterTokenP95:F1}", $"{row.RequestsPerSecond:F2}", $"{row.OutputTokens}", $"{row.TokensPerSecond:F1}");
        }

        console.Write(table);
        foreach (var (error, count) in result.Errors) console.WriteLine($"{count} times: {error}");
    }

    public static string ToJson(LoadResult result) => JsonSerializer.Serialize(
        new
        {
            result.Options.Url,
            result.Options.Concurrency,
            result.Options.Requests,
            result.Options.MaxTokens,
            Seconds = result.Elapsed.TotalSeconds,
            result.Statistics,
            Errors = result.Errors.ToDictionary(error => error.Error, error => error.Count),
        },
        Json);
}
