using LoraServe.Api.Requests;
using LoraServe.Hosting;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace LoraServe.Tests.Api.Requests;

public class ControlCharactersTests
{
    [Theory]
    [InlineData("a\u202Eb", @"a\u202Eb")]
    [InlineData("\u202A\u202B\u202C\u202D", @"\u202A\u202B\u202C\u202D")]
    [InlineData("\u2066x\u2067\u2068\u2069", @"\u2066x\u2067\u2068\u2069")]
    [InlineData("\u200E\u200F\u061C", @"\u200E\u200F\u061C")]
    [InlineData("\u2028\u2029\u0085\r\n", @"\u2028\u2029\u0085\u000D\u000A")]
    [InlineData("\u001B[31m\u009B\u0007\u007F", @"\u001B[31m\u009B\u0007\u007F")]
    [InlineData("\U000E0041", @"\uDB40\uDC41")]
    [InlineData("Größe 漢字 عربى 🙂 C:\\u202E", "Größe 漢字 عربى 🙂 C:\\u202E")]
    public void Escape_Text_KeepsWhatSteersNothing(string text, string escaped) => ControlCharacters.Escape(text).ShouldBe(escaped);

    [Fact]
    public void Enrich_AnyKindOfValue_IsEscaped()
    {
        var line = Render("{Text} {Address} {List} {Number}", "a\u202Eb\n00:00 INF forged", new StringValue("\u2066"), new[] { "x", "\u001B" }, 7);

        line.ShouldBe("""a\u202Eb\u000A00:00 INF forged \u2066 ["x","\\u001B"] 7""");
    }

    [Fact]
    public void Exception_MessageOfTheMachine_IsEscaped() =>
        new LoggedException(new IOException("no file \u202E\ntxt")).ToString().ShouldContain(@"no file \u202E\u000Atxt");

    private static string Render(string template, params object[] values)
    {
        var events = new Events();
        using (var log = new LoggerConfiguration().Enrich.With<ControlCharacters>().WriteTo.Sink(events).CreateLogger()) log.Information(template, values);
        using var text = new StringWriter();
        new Serilog.Formatting.Display.MessageTemplateTextFormatter("{Message:lj}").Format(events.All.ShouldHaveSingleItem(), text);
        return text.ToString();
    }

    private sealed record StringValue(string Value)
    {
        public override string ToString() => Value;
    }

    private sealed class Events : ILogEventSink
    {
        public List<LogEvent> All { get; } = [];

        public void Emit(LogEvent logEvent) => All.Add(logEvent);
    }
}
