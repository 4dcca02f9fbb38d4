using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Api.Health;

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

    [Theory]
    [InlineData("GET", "/health")]
    [InlineData("GET", "/ping")]
    [InlineData("POST", "/ping")]
    public async Task Health_RunningServer_IsAnEmpty200(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await server.Client.SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsStringAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Get_Load_CountsSequences()
    {
        using var patience = new CancellationTokenSource();
        var running = server.Client.PostAsJsonAsync(
            "/v1/completions", new { prompt = "Maria", max_tokens = 1000, ignore_eos = true, n = 3 }, patience.Token);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status.Running == 3);

        var busy = await server.Client.GetStringAsync("/load");
        await patience.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status.Running == 0);

        busy.ShouldBe("""{"server_load":3}""");
        (await server.Client.GetStringAsync("/load")).ShouldBe("""{"server_load":0}""");
    }

    [Fact]
    public async Task Get_Version_IsTheProjects() =>
        (await server.Client.GetFromJsonAsync<JsonElement>("/version")).GetProperty("version").GetString()!.ShouldMatch(@"^\d+\.\d+\.\d+$");

    [Fact]
    public async Task Health_RunningServer_IsZeroAndOneWithoutIt()
    {
        (await LoraServe.Commands.HealthProbe.RunAsync(server.Client.BaseAddress!.ToString(), default)).ShouldBe(0);
        (await LoraServe.Commands.HealthProbe.RunAsync("http://127.0.0.1:1", default)).ShouldBe(1);
        (await LoraServe.Commands.HealthProbe.RunAsync("nonsense", default)).ShouldBe(1);
    }
}
