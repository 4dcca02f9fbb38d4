using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Hosting;

[Collection(nameof(DemoServer))]
public class HealthApiTests(DemoServer server)
{
    [Theory]
    [InlineData("/livez", "alive")]
    [InlineData("/readyz", "ready")]
    public async Task Get_RunningServer_IsWell(string path, string status)
    {
        using var response = await server.Client.GetAsync(path);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("status").GetString().ShouldBe(status);
    }

    [Fact]
    public async Task Get_Version_IsTheProjects() =>
        (await server.Client.GetFromJsonAsync<JsonElement>("/version")).GetProperty("version").GetString()!.ShouldMatch(@"^\d+\.\d+\.\d+$");

    [Fact]
    public async Task Health_RunningServer_IsZeroAndOneWithoutIt()
    {
        (await LoraServe.Hosting.HealthProbe.RunAsync(server.Client.BaseAddress!.ToString(), default)).ShouldBe(0);
        (await LoraServe.Hosting.HealthProbe.RunAsync("http://127.0.0.1:1", default)).ShouldBe(1);
        (await LoraServe.Hosting.HealthProbe.RunAsync("nonsense", default)).ShouldBe(1);
    }
}
