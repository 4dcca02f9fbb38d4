using System.Net.Sockets;
using System.Text;
using LoraServe.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LoraServe.Tests.Hosting;

[Collection(nameof(GoldenServer))]
public class ConnectionRulesTests(GoldenServer server)
{
    [Fact]
    public void Apply_Limits_LeaveNoClientAllTheTimeInTheWorld()
    {
        var kestrel = new KestrelServerOptions();

        ConnectionRules.Apply(kestrel);

        kestrel.Limits.MinRequestBodyDataRate!.BytesPerSecond.ShouldBeGreaterThan(0);
        kestrel.Limits.MinResponseDataRate!.BytesPerSecond.ShouldBeGreaterThan(0);
        kestrel.Limits.RequestHeadersTimeout.ShouldBeLessThan(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Post_BodyThatTrickles_IsEnded()
    {
        var uri = server.Client.BaseAddress!;
        using var client = new TcpClient();
        await client.ConnectAsync(uri.Host, uri.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"));

        // A byte now and then, until the server has had enough.
        using var reader = new StreamReader(stream);
        var status = reader.ReadLineAsync();
        while (await Task.WhenAny(status, Task.Delay(500)) != status) await stream.WriteAsync(" "u8.ToArray());

        (await status).ShouldBe("HTTP/1.1 408 Request Timeout");
    }
}
