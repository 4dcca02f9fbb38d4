using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LoraServe.Benchmarks.Hostile;

/// <summary>The server's response.</summary>
/// <param name="Status">Null if there was none.</param>
/// <param name="Bytes">Size of the whole response.</param>
/// <param name="Elapsed">From the first byte sent to the last received.</param>
/// <param name="Start">The beginning of the response.</param>
internal sealed record HostileAnswer(int? Status, long Bytes, TimeSpan Elapsed, string Start);

/// <summary>Sends bytes on a new connection, and reads the response while sending.</summary>
/// <param name="url">The server.</param>
internal sealed class HostileClient(Uri url)
{
    private const int StartBytes = 1024;
    private const long MostBytes = 64 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public async Task<HostileAnswer> SendAsync(HostileRequest request, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        using var client = new TcpClient();
        var clock = Stopwatch.StartNew();
        var (start, bytes) = (new MemoryStream(), 0L);
        try
        {
            await client.ConnectAsync(url.Host, url.Port, patience.Token);
            var stream = client.GetStream();
            var sending = WriteAsync(client, stream, request, patience.Token);
            var buffer = new byte[1 << 16];
            while (bytes < MostBytes && await stream.ReadAsync(buffer, patience.Token) is > 0 and var read)
            {
                start.Write(buffer, 0, (int)Math.Min(read, Math.Max(0, StartBytes - start.Length)));
                bytes += read;
            }

            await sending;
        }
        // The server may close a connection without reading the whole request.
        catch (Exception e) when (e is IOException or SocketException)
        {
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }

        var text = Encoding.Latin1.GetString(start.ToArray());
        return new HostileAnswer(Status(text), bytes, clock.Elapsed, text);
    }

    private static async Task WriteAsync(TcpClient client, NetworkStream stream, HostileRequest request, CancellationToken cancellation)
    {
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(request.Head), cancellation);
            await stream.WriteAsync(request.Body, cancellation);
            if (request.IsCut) client.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Only the response counts, if there is one.
        }
    }

    private static int? Status(string text)
    {
        while (text.StartsWith("HTTP/1.1 100", StringComparison.Ordinal) && text.IndexOf("\r\n\r\n", StringComparison.Ordinal) is > 0 and var end)
            text = text[(end + 4)..];
        return text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && text.Length > 12
            && int.TryParse(text.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status)
                ? status
                : null;
    }
}
