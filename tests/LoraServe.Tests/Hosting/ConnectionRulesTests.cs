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

    [Theory]
    [InlineData("POST /v1/completions", "80000000")]
    [InlineData("POST /v1/completions", "ffffffff")]
    [InlineData("PUT /v1/adapters/x", "80000000")]
    [InlineData("POST /v1/fine_tuning/jobs", "fffffffffffffffffffff")]
    [InlineData("POST /v1/files", "80000000")]
    public async Task Send_ChunkOfTwoGibibytesOrMore_IsRefused(string request, string size)
    {
        var head = $"{request} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n";

        var response = await RawHttp.SendAsync(server.Client.BaseAddress!, Encoding.ASCII.GetBytes($"{head}{size}\r\n{{\"a\":"), isCut: false);

        response.Status.ShouldBe(400);
        response.Body.ShouldContain("2 GiB or more");
    }

    [Fact]
    public async Task Post_BodyThatTrickles_IsEnded()
    {
        var uri = server.Client.BaseAddress!;
        using var client = new TcpClient();
        await client.ConnectAsync(uri.Host, uri.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"));

        // Sends a byte every half second until the server responds.
        using var reader = new StreamReader(stream);
        var status = reader.ReadLineAsync();
        try
        {
            while (await Task.WhenAny(status, Task.Delay(500)) != status) await stream.WriteAsync(" "u8.ToArray());
        }
        catch (IOException)
        {
            // The server has closed the connection in the meantime.
        }

        (await status).ShouldBe("HTTP/1.1 408 Request Timeout");
    }
}
