using Spectre.Console;

namespace LoraServe.Commands;

/// <summary>Rows of text, as a table if it fits, otherwise as a block of lines per row, so that nothing is cut off.</summary>
internal static class TerminalTable
{
    // Two spaces of padding and a line between columns.
    private const int ColumnOverhead = 3;

    /// <summary>Writes the rows to standard output.</summary>
    /// <param name="columns">Names.</param>
    /// <param name="rows">Texts.</param>
    /// <param name="areNumbers">Whether cells after the first are right-aligned.</param>
    public static void Write(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows, bool areNumbers = true)
    {
        var width = columns.Select((name, i) => rows.Select(row => row[i].Length).Append(name.Length).Max() + ColumnOverhead).Sum() + 1;
        if (width <= Terminal.Width) WriteTable(columns, rows, areNumbers);
        else WriteBlocks(columns, rows);
    }

    private static void WriteTable(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows, bool areNumbers)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = Terminal.Width;
        var table = new Table().Border(TableBorder.Minimal);
        foreach (var column in columns)
        {
            var added = new TableColumn(Markup.Escape(column)).NoWrap();
            table.AddColumn(table.Columns.Count == 0 || !areNumbers ? added : added.RightAligned());
        }

        foreach (var row in rows) table.AddRow(row.Select(Markup.Escape).ToArray());
        AnsiConsole.Write(table);
    }

    private static void WriteBlocks(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var indent = columns.Skip(1).Max(name => name.Length);
        foreach (var row in rows)
        {
            Console.WriteLine();
            Console.WriteLine($"{columns[0]} {row[0]}");
            foreach (var (name, cell) in columns.Zip(row).Skip(1).Where(pair => pair.Second.Length > 0))
                Console.WriteLine($"  {name.PadRight(indent)}  {cell}");
        }

        Console.WriteLine();
    }
}
