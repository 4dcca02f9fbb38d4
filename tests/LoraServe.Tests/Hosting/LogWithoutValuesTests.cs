using System.Text.Json;
using LoraServe.Hosting;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace LoraServe.Tests.Hosting;

public class LogWithoutValuesTests
{
    [Fact]
    public void Emit_ExceptionThatQuotesTheRequest_KeepsItsKindAndPlace()
    {
        var text = Log(new InvalidOperationException("of Quetzalcoatlus", Thrown(() => JsonDocument.Parse("Quetzalcoatlus"))));

        text.ShouldStartWith("A failure of 7");
        text.ShouldContain("InvalidOperationException");
        text.ShouldContain("JsonReaderException");
        text.ShouldContain(nameof(Emit_ExceptionThatQuotesTheRequest_KeepsItsKindAndPlace));
        text.ShouldNotContain("Quetzalcoatlus");
        text.ShouldNotContain("'Q'");
    }

    [Fact]
    public void Emit_FaultOfTheMachine_KeepsWhatItSays() => Log(new IOException("No space left on device")).ShouldContain("No space left on device");

    [Fact]
    public void Emit_EndlessMessage_IsShort() => Log(new IOException(new string('a', 1_000_000))).Length.ShouldBeLessThan(1000);

    [Fact]
    public void Emit_WithoutException_IsTheSame() => Log(null).ShouldBe("A failure of 7");

    private static Exception Thrown(Action action) => Should.Throw<Exception>(action);

    private static string Log(Exception? exception)
    {
        var events = new Events();
        using (var log = new LoggerConfiguration().WriteTo.Sink(new LogWithoutValues(events)).CreateLogger())
            log.Error(exception, "A failure of {Number}", 7);
        var logged = events.All.ShouldHaveSingleItem();
        return $"{logged.RenderMessage()}{logged.Exception}";
    }

    private sealed class Events : ILogEventSink
    {
        public List<LogEvent> All { get; } = [];

        public void Emit(LogEvent logEvent) => All.Add(logEvent);
    }
}
