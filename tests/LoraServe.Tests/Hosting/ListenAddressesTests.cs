using LoraServe.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace LoraServe.Tests.Hosting;

public class ListenAddressesTests
{
    [Theory]
    [InlineData("", "http://localhost:8080")]
    [InlineData("urls=http://127.0.0.1:1", "http://127.0.0.1:1")]
    [InlineData("urls=http://127.0.0.1:1 LoraServe:Urls=http://127.0.0.1:2", "http://127.0.0.1:2")]
    [InlineData("urls=http://127.0.0.1:1 LoraServe:Urls=", "http://127.0.0.1:1")]
    [InlineData("http_ports=80;81", "http://*:80;http://*:81")]
    [InlineData("http_ports=80 https_ports=443", "http://*:80;https://*:443")]
    [InlineData("http_ports=80 urls=http://127.0.0.1:1", "http://127.0.0.1:1")]
    [InlineData("Kestrel:Endpoints:Web:Url=http://127.0.0.1:3 urls=http://127.0.0.1:1", "http://127.0.0.1:3")]
    public void Read_SettingsOfTheWebServer_AreObeyedWhereTheOptionIsNotSet(string settings, string urls) => Read(settings).Urls.ShouldBe(urls);

    [Theory]
    [InlineData("urls=nowhere", "ASPNETCORE_URLS")]
    [InlineData("http_ports=80;many", "ASPNETCORE_HTTP_PORTS: expected ports from 0 to 65535 with semicolons between them, found 'many'")]
    [InlineData("https_ports=65536", "ASPNETCORE_HTTPS_PORTS")]
    [InlineData("Kestrel:Endpoints:Web:Url=nowhere", "Kestrel:Endpoints")]
    [InlineData("Kestrel:Endpoints:Web:Url=http://127.0.0.1:3 LoraServe:Urls=http://127.0.0.1:2", "leave one of them out")]
    public void Read_SettingsOfTheWebServerThatCannotBeObeyed_AreRefused(string settings, string reason) =>
        Should.Throw<OptionsValidationException>(() => Read(settings)).Message.ShouldContain(reason);

    private static LoraServeOptions Read(string settings) => OptionsReader.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(setting => setting.Split('=', 2))
            .Select(setting => KeyValuePair.Create(setting[0], (string?)setting[1])))
        .Build());
}
