using System.Buffers;
using System.Text.Json;
using System.Threading.Channels;
using LoraServe.Hosting;

namespace LoraServe.Completions;

/// <summary>Writes server-sent events: one line of JSON each, comments while there is nothing to say, [DONE] at the end.</summary>
internal sealed class EventStream(HttpResponse response)
{
    // Proxies close a connection that stays silent for a minute.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    /// <summary>Writes each item as it comes: what is there at the same time in one go, a single item immediately.</summary>
    public async Task WriteAsync<TItem, TEvent>(
        ChannelReader<TItem> items, Func<TItem, TEvent> toEvent, CancellationToken cancellationToken)
    {
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        // Tells a reverse proxy not to collect the events.
        response.Headers["X-Accel-Buffering"] = "no";
        while (await WaitAsync(items, cancellationToken))
        {
            while (items.TryRead(out var item)) Write(toEvent(item));
            await response.BodyWriter.FlushAsync(cancellationToken);
        }
    }

    /// <summary>Writes one event, to be sent with the next.</summary>
    public void Write<T>(T value) =>
        response.BodyWriter.Write([.. "data: "u8, .. JsonSerializer.SerializeToUtf8Bytes(value, ApiJson.Options), .. "\n\n"u8]);

    /// <summary>Says that nothing more comes.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        response.BodyWriter.Write("data: [DONE]\n\n"u8);
        await response.BodyWriter.FlushAsync(cancellationToken);
    }

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
                response.BodyWriter.Write(": ping\n\n"u8);
                await response.BodyWriter.FlushAsync(cancellationToken);
            }
        }
    }
}
