using Serilog.Core;
using Serilog.Events;

namespace LoraServe.Hosting;

/// <summary>Forwards log events with every exception replaced by a <see cref="LoggedException"/>.</summary>
internal sealed class LogWithoutValues(ILogEventSink next) : ILogEventSink, IDisposable
{
    public void Emit(LogEvent logEvent) => next.Emit(logEvent.Exception is { } exception ? Without(logEvent, exception) : logEvent);

    public void Dispose() => (next as IDisposable)?.Dispose();

    private static LogEvent Without(LogEvent full, Exception exception) => new(
        full.Timestamp,
        full.Level,
        new LoggedException(exception),
        full.MessageTemplate,
        full.Properties.Select(property => new LogEventProperty(property.Key, property.Value)),
        full.TraceId.GetValueOrDefault(),
        full.SpanId.GetValueOrDefault());
}
