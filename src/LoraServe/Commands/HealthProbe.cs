using System.Net.Security;
using System.Net.Sockets;

namespace LoraServe.Commands;

/// <summary>Asks a running server whether it is ready: the health check of a container that has no curl.</summary>
internal static class HealthProbe
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <param name="urls">The server's listen addresses; the first is used.</param>
    /// <param name="cancellationToken">Cancels the probe.</param>
    /// <returns>0 if it is ready, else 1.</returns>
    public static async Task<int> RunAsync(string urls, CancellationToken cancellationToken)
    {
        try
        {
            var url = urls.Split(';')[0];
            var socket = BindingAddress.Parse(url) is { IsUnixPipe: true } address ? address.UnixPipePath : null;
            var server = socket is null ? Reachable(url) : new Uri("http://localhost");
            using var client = new HttpClient(Handler(socket, server.IsLoopback)) { Timeout = Timeout };
            using var response = await client.GetAsync(new Uri(server, "readyz"), cancellationToken);
            Console.WriteLine(await response.Content.ReadAsStringAsync(cancellationToken));
            return response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or FormatException)
        {
            await Console.Error.WriteLineAsync($"{urls}: {e.Message}{(e.InnerException is { } inner ? $" {inner.Message}" : "")}");
            return 1;
        }
    }

    /// <summary>An address that a local client can use: a server listening on all interfaces answers on loopback.</summary>
    public static Uri Reachable(string url)
    {
        var address = BindingAddress.Parse(url);
        var host = address.Host is "+" or "*" or "0.0.0.0" or "[::]" ? "localhost" : address.Host;
        return new UriBuilder(address.Scheme, host, address.Port).Uri;
    }

    private static SocketsHttpHandler Handler(string? socketPath, bool isOfThisMachine)
    {
        var handler = new SocketsHttpHandler();
        // The certificate may be self-signed or name the server's public host; on loopback nobody can intercept.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, errors) => isOfThisMachine || errors == SslPolicyErrors.None;
        if (socketPath is null) return handler;
        handler.ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        };
        return handler;
    }
}
