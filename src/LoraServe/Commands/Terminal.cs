using Spectre.Console;
using Spectre.Console.Rendering;

namespace LoraServe.Commands;

/// <summary>The terminal that the process runs in, if any.</summary>
internal static class Terminal
{
    // In a pipe there is no width to fit.
    private const int PipeWidth = 1000;

    private const string EraseBelow = "\u001b[J";

    /// <summary>Whether there is a terminal on which lines can be redrawn.</summary>
    public static bool IsInteractive => AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected;

    /// <summary>Columns of the terminal; unlimited without one.</summary>
    public static int Width => Console.IsOutputRedirected ? PipeWidth : AnsiConsole.Profile.Width;

    /// <summary>Writes a line above anything being redrawn, such as a bar, without wrapping it, so that it can be copied.</summary>
    public static void WriteLine(string text, Style? style = null)
    {
        if (IsInteractive) AnsiConsole.Write(new Line(text, style ?? Style.Plain));
        else Console.WriteLine(text);
    }

    /// <summary>Writes a line to standard error, above anything being redrawn if that is the same terminal.</summary>
    public static void WriteErrorLine(string text)
    {
        if (IsInteractive && !Console.IsErrorRedirected) AnsiConsole.Write(new Line(text, Style.Plain));
        else Console.Error.WriteLine(text);
    }

    /// <summary>A text with control characters replaced: a model may write terminal commands.</summary>
    public static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? '\uFFFD' : c));

    private sealed class Line(string text, Style style) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => new(1, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
        {
            // The cursor is at the start of the bar: a shorter line would leave part of the bar behind it.
            if (options.Ansi) yield return Segment.Control(EraseBelow);
            foreach (var line in text.Split('\n'))
            {
                yield return new Segment(line, style);
                yield return Segment.LineBreak;
            }
        }
    }
}
