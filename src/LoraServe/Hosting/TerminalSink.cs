using LoraServe.Commands;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Spectre.Console;

namespace LoraServe.Hosting;

/// <summary>Writes log lines on a terminal, above the progress bar.</summary>
internal sealed class TerminalSink(ITextFormatter format) : ILogEventSink
{
    public void Emit(LogEvent logEvent)
    {
        using var text = new StringWriter();
        format.Format(logEvent, text);
        Terminal.WriteLine(text.ToString().TrimEnd(), StyleOf(logEvent.Level));
    }

    private static Style StyleOf(LogEventLevel level) => level switch
    {
        >= LogEventLevel.Error => new Style(Color.Red),
        LogEventLevel.Warning => new Style(Color.Yellow),
        <= LogEventLevel.Debug => new Style(Color.Grey),
        _ => Style.Plain,
    };
}
