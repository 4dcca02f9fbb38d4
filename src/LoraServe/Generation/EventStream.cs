using System.Buffers;
using System.Text.Json;
using System.Threading.Channels;
using LoraServe.Api;
using LoraServe.Keys;

namespace LoraServe.Generation;

/// <summary>Writes server-sent events: one line of JSON each, comments during silence, [DONE] at the end.</summary>
internal sealed partial class EventStream : IAsyncDisposable
{
    private readonly HttpResponse _response;
    private readonly Utf8JsonWriter _json;
    private readonly StreamSilence _silence;

    private EventStream(HttpResponse response)
    {
        _response = response;
        _json = new Utf8JsonWriter(response.BodyWriter, new JsonWriterOptions { Encoder = ApiJson.Options.Encoder, SkipValidation = true });
        _silence = new StreamSilence(response);
    }

    /// <summary>Writes all parts of a run: parts available together in one flush, a single part immediately.</summary>
    /// <param name="context">Answered with the events.</param>
    /// <param name="run">What is read.</param>
    /// <param name="toAnswer">What a part's events have around their choice, without choices; mostly the same one, which is then encoded once.</param>
    /// <param name="toChoices">The choices of a part's events, in order.</param>
    /// <param name="toUsage">The usage event before the end; null for none.</param>
    /// <param name="log">Logs failures after the status was sent.</param>
    public static async Task WriteAsync<TAnswer, TChoice>(
        HttpContext context,
        GenerationRun run,
        Func<ChoicePart, TAnswer> toAnswer,
        Func<ChoicePart, IEnumerable<TChoice>> toChoices,
        Func<Usage, TAnswer?> toUsage,
        ILogger log)
        where TAnswer : class
    {
        var (response, cancellation) = (context.Response, context.RequestAborted);
        try
        {
            await using (var events = new EventStream(response))
                await events.WriteAsync(run.ReadParts(cancellation), toAnswer, toChoices, cancellation);
            if (toUsage(run.Usage) is { } usage) ServerSentEvents.Write(response, usage);
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

    /// <summary>Ends the comments.</summary>
    public async ValueTask DisposeAsync()
    {
        await _silence.DisposeAsync();
        _json.Reset(); // nothing half-written is sent
        await _json.DisposeAsync();
    }

    private async Task WriteAsync<TAnswer, TChoice>(
        ChannelReader<ChoicePart> parts,
        Func<ChoicePart, TAnswer> toAnswer,
        Func<ChoicePart, IEnumerable<TChoice>> toChoices,
        CancellationToken cancellationToken)
        where TAnswer : class
    {
        _response.ContentType = ServerSentEvents.ContentType;
        _response.Headers.CacheControl = "no-cache";
        // Tells a reverse proxy not to buffer the events.
        _response.Headers["X-Accel-Buffering"] = "no";
        TAnswer? framed = null;
        EventFrame? frame = null;
        while (await parts.WaitToReadAsync(cancellationToken))
        {
            await _silence.BreakAsync(cancellationToken);
            try
            {
                while (parts.TryRead(out var part))
                {
                    var answer = toAnswer(part);
                    if (!ReferenceEquals(answer, framed)) (framed, frame) = (answer, EventFrame.Of(answer));
                    foreach (var choice in toChoices(part)) frame!.Write(_response.BodyWriter, _json, choice);
                }

                await _response.BodyWriter.FlushAsync(cancellationToken);
            }
            finally
            {
                _silence.Begin();
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "A stream failed")]
    private static partial void LogStreamFailed(ILogger log, Exception exception);
}
