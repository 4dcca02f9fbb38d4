using System.Net;
using System.Net.Http.Json;

namespace LoraServe.Tests.Api.Adapters;

/// <summary>Adapters that were accepted and cannot be used: whoever asks for one learns which, and nothing of the server's disk.</summary>
[Collection(nameof(DemoServer))]
public sealed class UnusableAdaptersApiTests(DemoServer server) : IAsyncLifetime
{
    private const string Name = "unusable";
    private const string Question = "Which products cost less than 59 euros?";

    private string Adapters => Path.Combine(server.Data, "adapters");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var name in new[] { Name, "smaller", "mix" }) await server.Client.DeleteAsync($"/v1/adapters/{name}?force=true");
    }

    [Fact]
    public async Task Complete_AdapterThatOverflows_IsNamed()
    {
        await PutAsync(new PeftUpload().Set("lora_alpha", 1e30));

        var message = await MessageAsync(await CompleteAsync(Name), 500);
        var effect = await MessageAsync(await server.Client.GetAsync($"/v1/adapters/{Name}/effect"), 422);

        message.ShouldContain($"the adapter '{Name}'");
        message.ShouldContain("overflow");
        effect.ShouldContain($"The adapter '{Name}'");
    }

    [Theory]
    [InlineData("adapter_config.json", false)]
    [InlineData("adapter_model.safetensors", false)]
    [InlineData("adapter_model.safetensors", true)]
    [InlineData("adapter_config.json", true)]
    public async Task Any_AdapterDamagedOnDisk_IsNamedWithoutAPath(string file, bool isDeleted)
    {
        // Of its own content: the demo's sql is in memory already.
        await PutAsync(new PeftUpload().Set("lora_alpha", 8.5));
        var version = server.Engine.Adapters.Find(Name)!.Version;
        var path = Path.Combine(Adapters, "versions", version.Value, file);
        if (isDeleted) File.Delete(path);
        else File.WriteAllText(path, "damaged");

        foreach (var response in new[]
        {
            await CompleteAsync(Name),
            await server.Client.GetAsync($"/v1/adapters/{Name}/effect"),
            await server.PostAsync($"/v1/adapters/{Name}/truncate", """{"rank": 2}"""),
            await server.PostAsync($"/v1/adapters/{Name}/merge", ""),
        })
        {
            (await MessageAsync(response, 500)).ShouldContain($"'{Name}'");
        }

        (await server.Client.GetStringAsync($"/v1/adapters/{Name}")).ShouldNotContain(server.Data);
    }

    [Fact]
    public async Task Any_FolderOfTheVersionGone_IsNamedWithoutAPath()
    {
        await PutAsync(new PeftUpload().Set("lora_alpha", 8.25));
        Directory.Delete(Path.Combine(Adapters, "versions", server.Engine.Adapters.Find(Name)!.Version.Value), recursive: true);

        (await MessageAsync(await CompleteAsync(Name), 500)).ShouldContain($"'{Name}'");
    }

    [Fact]
    public async Task Post_TruncateWhileTheAdapterIsDeleted_IsDoneOrNotFound()
    {
        for (var i = 0; i < 25; i++)
        {
            await PutAsync(new PeftUpload().Set("lora_alpha", 9));
            var truncating = server.PostAsync($"/v1/adapters/{Name}/truncate", i % 2 == 0 ? """{"rank": 2}""" : """{"rank": 2, "as": "smaller"}""");
            await Task.Delay(i * 4);
            using var deleted = await server.Client.DeleteAsync($"/v1/adapters/{Name}");
            using var truncated = await truncating;

            deleted.StatusCode.ShouldBe(HttpStatusCode.OK);
            truncated.StatusCode.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.NotFound);
            await server.Client.DeleteAsync($"/v1/adapters/smaller");
            await server.Client.DeleteAsync($"/v1/adapters/{Name}");
        }

        Directory.EnumerateFileSystemEntries(Path.Combine(Adapters, "incoming")).ShouldBeEmpty();
    }

    private async Task PutAsync(PeftUpload upload)
    {
        using var response = await server.Client.PutAsync($"/v1/adapters/{Name}?measure_effect=false", new ByteArrayContent(upload.Zip()));
        response.IsSuccessStatusCode.ShouldBeTrue(await response.Content.ReadAsStringAsync());
    }

    private Task<HttpResponseMessage> CompleteAsync(string model) => server.Client.PostAsJsonAsync(
        "/v1/completions", new { model, prompt = Question, temperature = 0, max_tokens = 4 });

    private async Task<string> MessageAsync(HttpResponseMessage response, int status)
    {
        using (response)
        {
            var message = (await LoraServeServer.ErrorAsync(response, status)).GetProperty("message").GetString()!;
            message.ShouldNotContain(server.Data);
            return message;
        }
    }
}
