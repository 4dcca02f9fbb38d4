using System.Net;

namespace LoraServe.Tests.Hosting;

/// <summary>HEAD wherever there is GET.</summary>
[Collection(nameof(DemoServer))]
public class HeadRequestsTests(DemoServer server)
{
    private static readonly string[] OfTheMoment = ["Date", "x-request-id", "Transfer-Encoding", "Connection"];

    [Theory]
    [InlineData("/livez")]
    [InlineData("/readyz")]
    [InlineData("/health")]
    [InlineData("/load")]
    [InlineData("/v1/models")]
    [InlineData("/v1/models/sql")]
    [InlineData("/v1/adapters")]
    [InlineData("/v1/adapters/sql")]
    [InlineData("/v1/adapters/sql/archive")]
    [InlineData("/v1/adapters/nobody")]
    [InlineData("/metrics")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/swagger/index.html")]
    [InlineData("/nothing")]
    [InlineData("/v1/completions")]
    public async Task Head_AnyPath_AnswersAsGetWithoutABody(string path)
    {
        using var get = await server.Client.GetAsync(path);
        using var head = await server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));

        head.StatusCode.ShouldBe(get.StatusCode);
        Headers(head).ShouldBe(Headers(get));
        (await head.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Head_WhereThereIsNoGet_SaysWhatThereIs()
    {
        using var response = await server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/v1/completions"));

        response.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        response.Content.Headers.Allow.ShouldBe(["POST"]);
    }

    private static List<string> Headers(HttpResponseMessage response) =>
    [
        .. response.Headers.Concat(response.Content.Headers)
            .Where(header => !OfTheMoment.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
            // HEAD has no length for bodies whose length is known only after writing them, and the length of /metrics changes.
            .Where(header => header.Key != "Content-Length")
            .Select(header => $"{header.Key}: {string.Join(", ", header.Value)}")
            .Order(StringComparer.Ordinal),
    ];
}
