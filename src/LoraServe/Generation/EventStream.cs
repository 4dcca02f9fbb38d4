using System.Buffers;
using System.Threading.Channels;
using LoraServe.Api;
using LoraServe.Keys;

namespace LoraServe.Generation;

/// <summary>Writes server-sent events: one line of JSON each, comments during silence, [DONE] at the end.</summary>
internal sealed partial class EventStream
{
    // Proxies close a connection that stays silent for a minute.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    private readonly HttpResponse _response;

    private EventStream(HttpResponse response) => _response = response;

    /// <summary>Writes all parts of a run: parts available together in one flush, a single part immediately.</summary>
    /// <param name="context">Answered with the events.</param>
    /// <param name="run">What is read.</param>
    /// <param name="toEvents">The events of a part, in order.</param>
    /// <param name="toUsage">The usage event before the end; null for none.</param>
    /// <param name="log">Logs failures after the status was sent.</param>
    public static async Task WriteAsync<TEvent>(
        HttpContext context,
        GenerationRun run,
        Func<ChoicePart, IEnumerable<TEvent>> toEvents,
        Func<Usage, TEvent?> toUsage,
        ILogger log)
        where TEvent : class
    {
        var (response, cancellation) = (context.Response, context.RequestAborted);
        var events = new EventStream(response);
        try
        {
            await events.WriteAsync(run.ReadParts(cancellation), toEvents, cancellation);
            if (toUsage(run.Usage) is { } usage) events.Write(usage);
            response.BodyWriter.Write("data: [DONE]\n\n"u8);
            await response.BodyWriter.FlushAsync(cancellation);
        }
        // The status is already sent: the error must be an event.
        catch (Exception e) when (response.HasStarted && e is not OperationCanceledException)
        {
            if (ErrorMapper.Map(e, context.User.Caller().Access).Status == StatusCodes.Status500InternalServerError) LogStreamFailed(log, e);
            await ServerSentEvents.TryEndAsync(response, e, cancellation);
        }
    }

    private async Task WriteAsync<TEvent>(
        ChannelReader<ChoicePart> parts, Func<ChoicePart, IEnumerable<TEvent>> toEvents, CancellationToken cancellationToken)
    {
        _response.ContentType = ServerSentEvents.ContentType;
        _response.Headers.CacheControl = "no-cache";
        // Tells a reverse proxy not to buffer the events.
        _response.Headers["X-Accel-Buffering"] = "no";
        while (await WaitAsync(parts, cancellationToken))
        {
            while (parts.TryRead(out var part))
            {
                foreach (var item in toEvents(part)) Write(item);
            }

            await _response.BodyWriter.FlushAsync(cancellationToken);
        }
    }

    private void Write<T>(T value) => ServerSentEvents.Write(_response, value);

    private async Task<bool> WaitAsync<T>(ChannelReader<T> items, CancellationToken cancellationToken)
    {
        var more = items.WaitToReadAsync(cancellationToken).AsTask();
        while (true)
        {
            try
            {
                return await more.WaitAsync(Silence, cancellationToken);
            }
            catch (TimeoutException)
            {
                _response.BodyWriter.Write(": ping\n\n"u8);
                await _response.BodyWriter.FlushAsync(cancellationToken);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "A stream failed")]
    private static partial void LogStreamFailed(ILogger log, Exception exception);
}
