using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LoraServe.Tests.Hosting;

public class LifetimeTests
{
    [Fact]
    public async Task Restart_UploadedAdapter_IsStillThereAndActsTheSame()
    {
        var data = Directory.CreateTempSubdirectory("loraserve-").FullName;
        try
        {
            string before, version;
            await using (var first = new RestartedServer(data))
            {
                await first.InitializeAsync();
                var archive = await File.ReadAllBytesAsync(Repository.EngineGolden("archives", "good.tar.gz"));
                (await first.Client.PutAsync("/v1/adapters/kept", new ByteArrayContent(archive))).StatusCode.ShouldBe(HttpStatusCode.Created);
                (before, version) = await AskAsync(first);
            }

            await using var second = new RestartedServer(data);
            await second.InitializeAsync();
            (await AskAsync(second)).ShouldBe((before, version));
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task Stop_RunningStream_FinishesWhileNewRequestsAreSentAway()
    {
        await using var server = new RestartedServer(data: null);
        await server.InitializeAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = JsonContent.Create(new { prompt = new[] { 1 }, max_tokens = 240, ignore_eos = true, temperature = 0, stream = true }),
        };
        var engine = server.Engine;
        using var before = await EngineHold.TakeAsync(engine);
        var sending = server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await LoraServeServer.EventuallyAsync(() => engine.Status.Arriving == 1);
        using var hold = await before.StepAsync(engine);
        using var response = await sending;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        await reader.ReadLineAsync();

        server.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        using var probe = await server.Client.GetAsync("/readyz");
        using var refused = await server.PostAsync("/v1/completions", """{"prompt": [1]}""");
        hold.Dispose();
        var rest = await reader.ReadToEndAsync();

        probe.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await probe.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("status").GetString().ShouldBe("draining");
        await LoraServeServer.ErrorAsync(refused, 503);
        refused.Headers.RetryAfter.ShouldNotBeNull();
        rest.ShouldEndWith("data: [DONE]\n\n");
        rest.ShouldContain("\"finish_reason\":\"length\"");
    }

    private static async Task<(string Ids, string Version)> AskAsync(LoraServeServer server)
    {
        var response = await server.CompleteAsync(new { prompt = new[] { 1, 71, 294 }, model = "kept", temperature = 0, return_token_ids = true });
        var adapter = await server.Client.GetFromJsonAsync<JsonElement>("/v1/adapters/kept");
        return (response.GetProperty("choices")[0].GetProperty("token_ids").ToString(), adapter.GetProperty("version").GetString()!);
    }

    private sealed class RestartedServer(string? data)
        : LoraServeServer(Settings(("Model", Repository.EngineGolden("checkpoints", "llama-gqa"))), data);
}
