using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LoraServe.Tests.Hosting;

/// <summary>Sends raw bytes to a server, bypassing HTTP clients, which would correct them.</summary>
internal static class RawHttp
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Sends bytes on a new connection.</summary>
    /// <param name="address">The server's address.</param>
    /// <param name="request">One request.</param>
    /// <param name="isCut">Whether to shut down the sending side after it.</param>
    /// <returns>The response; its status is null if the connection ended without one.</returns>
    public static async Task<RawResponse> SendAsync(Uri address, byte[] request, bool isCut)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, address.Port, patience.Token);
        var stream = client.GetStream();
        var response = new MemoryStream();
        try
        {
            await stream.WriteAsync(request, patience.Token);
            if (isCut) client.Client.Shutdown(SocketShutdown.Send);
            await stream.CopyToAsync(response, patience.Token);
        }
        // The server resets a connection if it did not read the whole request.
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.Shutdown })
        {
        }

        return RawResponse.Parse(response.ToArray());
    }
}

/// <summary>A complete response.</summary>
/// <param name="Status">Null if there was none.</param>
/// <param name="Headers">By name in lower case.</param>
/// <param name="Body">The text.</param>
internal sealed record RawResponse(int? Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public static RawResponse Parse(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        while (text.StartsWith("HTTP/1.1 100 ", StringComparison.Ordinal)) text = text[(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0) return new RawResponse(null, new Dictionary<string, string>(), text);
        var lines = text[..end].Split("\r\n");
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToLookup(parts => parts[0].ToLowerInvariant(), parts => parts[1])
            .ToDictionary(header => header.Key, header => string.Join(", ", header));
        var body = text[(end + 4)..];
        var isChunked = headers.GetValueOrDefault("transfer-encoding") == "chunked";
        return new RawResponse(int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture), headers, isChunked ? Unchunk(body) : body);
    }

    // Chunk sizes count bytes, not characters.
    private static string Unchunk(string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var text = new MemoryStream();
        for (var at = 0; at < bytes.Length;)
        {
            var line = Array.IndexOf(bytes, (byte)'\r', at);
            var size = int.Parse(Encoding.ASCII.GetString(bytes, at, line - at), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (size == 0) break;
            text.Write(bytes, line + 2, size);
            at = line + 2 + size + 2;
        }

        return Encoding.UTF8.GetString(text.ToArray());
    }
}
