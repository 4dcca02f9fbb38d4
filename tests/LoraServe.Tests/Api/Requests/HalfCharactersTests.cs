using System.Text;
using System.Text.Json;
using LoraServe.Tests.Hosting;

namespace LoraServe.Tests.Api.Requests;

/// <summary>JSON can spell half of a surrogate pair, which is no text, wherever it stands.</summary>
public class HalfCharactersTests(MalformedRequestTests.SmallServer server) : IClassFixture<MalformedRequestTests.SmallServer>
{
    /// <summary>Operations with a JSON body.</summary>
    public static TheoryData<string> Operations { get; } =
        [.. DocumentedOperation.Read().Where(operation => operation.ContentType == "application/json").Select(operation => $"{operation.Method} {operation.Path}")];

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Send_HalfOfASurrogatePair_NamesItsField(string operation)
    {
        var documented = DocumentedOperation.Read().Single(other => $"{other.Method} {other.Path}" == operation);
        documented.Fields.ShouldNotBeEmpty();

        foreach (var (field, _) in documented.Fields)
        {
            (await ParamAsync(documented, $$"""{"{{field}}": "\ud800"}""")).ShouldBe(field);
            (await ParamAsync(documented, $$"""{"{{field}}": ["a", {"b": "\udc00"}]}""")).ShouldBe($"{field}[1].b");
        }
    }

    [Theory]
    [InlineData("/v1/completions?adapter=%ED%A0%80")]
    [InlineData("/v1/completions?adapter=%FF")]
    [InlineData("/v1/completions?%ED%A0%80=1")]
    public async Task Send_QueryThatIsNoUtf8_IsNoFaultOfTheServer(string path)
    {
        using var response = await server.PostAsync(path, """{"prompt": [1], "max_tokens": 1}""");

        ((int)response.StatusCode).ShouldBeLessThan(500);
    }

    private async Task<string?> ParamAsync(DocumentedOperation operation, string body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(operation.Method), operation.Path.Replace("{name}", "known").Replace("{", "").Replace("}", ""))
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        using var response = await server.Client.SendAsync(request);
        var error = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync()).GetProperty("error");
        ((int)response.StatusCode).ShouldBe(400, error.ToString());
        return error.GetProperty("param").GetString();
    }
}
