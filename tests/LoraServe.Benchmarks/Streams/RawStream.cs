using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace LoraServe.Benchmarks.Streams;

/// <summary>A streamed completion over a bare socket: a client that costs next to nothing, so that the server's cost shows.</summary>
internal static class RawStream
{
    /// <summary>Reads a stream to its end.</summary>
    /// <exception cref="BenchmarkException">The answer is no complete stream.</exception>
    public static async Task ReadAsync(Uri server, IReadOnlyList<int> prompt, int tokens)
    {
        var body = JsonSerializer.Serialize(new { prompt, max_tokens = tokens, temperature = 0, ignore_eos = true, stream = true });
        var request = $"POST /v1/completions HTTP/1.1\r\nHost: {server.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}";
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server.Host, server.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request));
        var buffer = new byte[1 << 16];
        var end = "";
        while (await socket.ReceiveAsync(buffer) is > 0 and var count)
            end = count < 64 ? end + Encoding.UTF8.GetString(buffer, 0, count) : Encoding.UTF8.GetString(buffer, count - 64, 64);
        if (!end.Contains("data: [DONE]")) throw new BenchmarkException($"The stream is not complete: {end}");
    }
}
