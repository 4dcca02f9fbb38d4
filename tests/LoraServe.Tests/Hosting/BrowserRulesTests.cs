using System.Net;

namespace LoraServe.Tests.Hosting;

public class BrowserRulesTests(BrowserRulesTests.CorsServer server) : IClassFixture<BrowserRulesTests.CorsServer>
{
    private const string Friend = "https://app.example.com";

    [Theory]
    [InlineData("/v1/models")]
    [InlineData("/nothing")]
    [InlineData("/v1/models/nothing")]
    [InlineData("/swagger/index.html")]
    public async Task Get_AnyAnswer_TellsBrowsersToGuessAndFrameNothing(string path)
    {
        using var response = await server.Client.GetAsync(path);

        Header(response, "X-Content-Type-Options").ShouldBe("nosniff");
        Header(response, "Referrer-Policy").ShouldBe("no-referrer");
        Header(response, "X-Frame-Options").ShouldBe("DENY");
        Header(response, "Content-Security-Policy")!.ShouldContain("frame-ancestors 'none'");
    }

    [Fact]
    public async Task Get_Swagger_HasNoScriptThatItsPolicyForbids()
    {
        var page = await server.Client.GetStringAsync("/swagger/index.html");

        page.Split("<script").Skip(1).ShouldAllBe(script => script.Contains("src=") && script.Contains("></script>"));
    }

    [Theory]
    [InlineData(Friend, true)]
    [InlineData("https://evil.example", false)]
    public async Task Options_FromAnotherOrigin_OnlyNamedOnesMayCall(string origin, bool isAllowed)
    {
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/v1/completions");
        preflight.Headers.Add("Origin", origin);
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        preflight.Headers.Add("Access-Control-Request-Headers", "authorization");
        using var response = await server.Client.SendAsync(preflight);

        (Header(response, "Access-Control-Allow-Origin") == origin).ShouldBe(isAllowed);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Add("Origin", origin);
        using var answer = await server.Client.SendAsync(request);
        (Header(answer, "Access-Control-Allow-Origin") == origin).ShouldBe(isAllowed);
        answer.StatusCode.ShouldBe(isAllowed ? HttpStatusCode.OK : HttpStatusCode.Unauthorized);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;

    public sealed class CorsServer() : LoraServeServer(Settings(("Model", Repository.EngineGolden("checkpoints", "llama-gqa")), ("CorsOrigins", Friend)));
}
