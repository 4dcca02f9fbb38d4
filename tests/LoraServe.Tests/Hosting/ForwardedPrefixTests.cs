using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Hosting;

namespace LoraServe.Tests.Hosting;

/// <summary>A server below a path, with and without a proxy that strips another prefix.</summary>
public sealed class PrefixedServer() : LoraServeServer(
    Settings(("Model", Repository.EngineGolden("checkpoints", "llama-gqa")), ("PathBase", "/lora")));

public sealed class ForwardedPrefixTests(PrefixedServer server) : IClassFixture<PrefixedServer>, IAsyncLifetime
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.Client.BaseAddress };

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("/readyz", null, HttpStatusCode.OK)]
    [InlineData("/lora/readyz", null, HttpStatusCode.OK)]
    [InlineData("/lora/v1/models", null, HttpStatusCode.OK)]
    [InlineData("/lora/v1/models/llama-gqa", null, HttpStatusCode.OK)]
    [InlineData("/lora/v1/adapters/acme/nobody", null, HttpStatusCode.NotFound)]
    [InlineData("/lora/swagger/index.html", null, HttpStatusCode.OK)]
    [InlineData("/swagger/index.html", "/team", HttpStatusCode.OK)]
    [InlineData("/other/readyz", null, HttpStatusCode.NotFound)]
    public async Task Get_PathBelowTheBase_IsAnswered(string path, string? prefix, HttpStatusCode status)
    {
        (await SendAsync(HttpMethod.Get, path, prefix)).StatusCode.ShouldBe(status);
        (await SendAsync(HttpMethod.Head, path, prefix)).StatusCode.ShouldBe(status);
    }

    [Theory]
    [InlineData("/openapi/v1.json", null, "/")]
    [InlineData("/lora/openapi/v1.json", null, "/lora")]
    [InlineData("/openapi/v1.json", "/team/a", "/team/a")]
    [InlineData("/openapi/v1.json", "/team/", "/team")]
    [InlineData("/lora/openapi/v1.json", "/team", "/team/lora")]
    [InlineData("/openapi/v1.json", "//evil.example", "/")]
    [InlineData("/openapi/v1.json", "https://evil.example", "/")]
    [InlineData("/openapi/v1.json", "/a/../b", "/")]
    [InlineData("/openapi/v1.json", "/a\"b", "/")]
    [InlineData("/openapi/v1.json", "team", "/")]
    public async Task Get_Document_HasTheServerThatTheClientReaches(string path, string? prefix, string expected)
    {
        using var response = await SendAsync(HttpMethod.Get, path, prefix);

        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("servers")[0].GetProperty("url").GetString().ShouldBe(expected);
    }

    [Theory]
    [InlineData("/", null, "/swagger")]
    [InlineData("/lora", null, "/lora/swagger")]
    [InlineData("/lora/", null, "/lora/swagger")]
    [InlineData("/", "/team", "/team/swagger")]
    public async Task Get_Root_LeadsPeopleToThePage(string path, string? prefix, string expected)
    {
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            using var response = await SendAsync(method, path, prefix);
            (response.StatusCode, response.Headers.Location?.ToString()).ShouldBe((HttpStatusCode.Redirect, expected));
        }

        (await SendAsync(HttpMethod.Post, path, prefix)).StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
    }

    [Fact]
    public async Task Get_SwaggerBehindAPrefix_LinksTheDocumentBesideIt()
    {
        using var page = await SendAsync(HttpMethod.Get, "/swagger/index.html", "/team");
        using var script = await SendAsync(HttpMethod.Get, "/swagger/index.js", "/team");
        using var redirect = await SendAsync(HttpMethod.Get, "/swagger", "/team");

        var text = await page.Content.ReadAsStringAsync() + await script.Content.ReadAsStringAsync();
        text.ShouldContain("../openapi/v1.json");
        text.ShouldNotContain("\"/openapi");
        redirect.Headers.Location!.ToString().ShouldNotStartWith("/");
    }

    [Theory]
    [InlineData("loopback", "127.0.0.1", true)]
    [InlineData("loopback", "::1", true)]
    [InlineData("loopback", "::ffff:127.0.0.1", true)]
    [InlineData("loopback", "10.0.0.1", false)]
    [InlineData("loopback", null, true)]
    [InlineData("none", "127.0.0.1", false)]
    [InlineData("none", null, false)]
    [InlineData("10.0.0.0/8; 192.0.2.7", "10.255.0.1", true)]
    [InlineData("10.0.0.0/8; 192.0.2.7", "192.0.2.7", true)]
    [InlineData("10.0.0.0/8; 192.0.2.7", "192.0.2.8", false)]
    [InlineData("2001:db8::/32", "2001:db8::1", true)]
    public void Include_Address_IsOneOfThose(string proxies, string? address, bool expected) =>
        TrustedProxies.TryParse(proxies)!.Include(address is null ? null : IPAddress.Parse(address)).ShouldBe(expected);

    [Theory]
    [InlineData("")]
    [InlineData("anybody")]
    [InlineData("10.0.0.0/33")]
    [InlineData("loopback;")]
    public void TryParse_OtherTexts_AreRefused(string text) => TrustedProxies.TryParse(text).ShouldBeNull();

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? prefix)
    {
        var request = new HttpRequestMessage(method, path);
        if (prefix is not null) request.Headers.TryAddWithoutValidation("X-Forwarded-Prefix", prefix);
        return _client.SendAsync(request);
    }
}
