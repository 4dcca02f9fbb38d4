using System.Buffers;

namespace LoraServe.Generation;

/// <summary>
/// Sends a comment when nothing was sent for long: proxies close a connection that stays silent for a minute. One timer for the whole stream:
/// one for each wait would cost more than the event that is waited for.
/// </summary>
internal sealed class StreamSilence : IAsyncDisposable
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Period = Most / 3;

    private readonly HttpResponse _response;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly ITimer _timer;
    private long _began = TimeProvider.System.GetTimestamp();

    /// <summary>Begins with silence.</summary>
    public StreamSilence(HttpResponse response)
    {
        _response = response;
        _timer = TimeProvider.System.CreateTimer(_ => _ = CommentAsync(), null, Period, Period);
    }

    /// <summary>Before the stream is written to: waits for a comment that is being sent.</summary>
    public Task BreakAsync(CancellationToken cancellationToken) => _writing.WaitAsync(cancellationToken);

    /// <summary>After it was written to.</summary>
    public void Begin()
    {
        _began = TimeProvider.System.GetTimestamp();
        _writing.Release();
    }

    /// <summary>Ends with the last comment sent; there is none after it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await _writing.WaitAsync();
        _writing.Dispose();
    }

    private async Task CommentAsync()
    {
        if (!_writing.Wait(0)) return;
        try
        {
            if (TimeProvider.System.GetElapsedTime(_began) < Most) return;
            _response.BodyWriter.Write(": ping\n\n"u8);
            await _response.BodyWriter.FlushAsync(_response.HttpContext.RequestAborted);
            _began = TimeProvider.System.GetTimestamp();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
        {
            // The client has left: the stream itself notices.
        }
        finally
        {
            _writing.Release();
        }
    }
}
