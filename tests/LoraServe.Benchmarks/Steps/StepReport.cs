using Spectre.Console;

namespace LoraServe.Benchmarks.Steps;

/// <summary>The table of one compute type.</summary>
internal static class StepReport
{
    public static void Print(
        IAnsiConsole console, string dtype, StepOptions options, IReadOnlyList<(StepCase Case, Distribution Milliseconds)> results)
    {
        console.WriteLine(
            $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(options.Model))}, {dtype}, {options.Threads} threads, context {options.Context}, "
            + $"adapters of rank {options.Rank} on all linear modules, {results[0].Milliseconds.Count} rounds");
        var table = new Table().Border(TableBorder.Markdown);
        table.AddColumn("step");
        foreach (var column in (string[])["rows", "tokens", "adapters", "median ms", "least ms", "p95 ms", "tokens/s"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var (step, milliseconds) in results)
        {
            var median = milliseconds.Quantile(0.5);
            table.AddRow(
                step.Kind, $"{step.Batch.Rows.Count}", $"{step.Batch.TokenCount}", $"{step.Adapters}", $"{median:F1}",
                $"{milliseconds.Quantile(1.0 / milliseconds.Count):F1}", $"{milliseconds.Quantile(0.95):F1}",
                $"{step.Batch.TokenCount * 1000 / median:F0}");
        }

        console.Write(table);
    }
}
