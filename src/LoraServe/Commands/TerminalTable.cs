using Spectre.Console;

namespace LoraServe.Commands;

/// <summary>Rows of texts, as a table where it fits and else as a block of lines for each row, so that nothing is cut off.</summary>
internal static class TerminalTable
{
    // Two blanks of padding and a line between columns.
    private const int ColumnOverhead = 3;

    /// <summary>Writes them to standard output.</summary>
    /// <param name="columns">Names.</param>
    /// <param name="rows">Texts.</param>
    /// <param name="areNumbers">Whether the cells after the first are aligned to the right.</param>
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
