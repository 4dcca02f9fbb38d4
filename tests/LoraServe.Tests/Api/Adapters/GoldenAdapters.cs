using System.IO.Compression;
using System.Text.Json;

namespace LoraServe.Tests.Api.Adapters;

/// <summary>Adapters of the golden checkpoint: how to upload them, and what they must answer.</summary>
internal sealed class GoldenAdapters(GoldenServer server)
{
    private static readonly JsonElement Rows =
        JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Repository.EngineGolden("expected", "llama-gqa.json")));

    /// <summary>Uploads a golden adapter, which must be accepted.</summary>
    public async Task PutAsync(string name, string golden)
    {
        using var response = await SendAsync(name, Repository.EngineGolden("adapters", "llama-gqa", golden));
        response.IsSuccessStatusCode.ShouldBeTrue(await response.Content.ReadAsStringAsync());
    }

    /// <summary>Uploads a folder as a zip.</summary>
    public async Task<HttpResponseMessage> SendAsync(string name, string folder, string query = "")
    {
        await using var archive = new MemoryStream();
        await ZipFile.CreateFromDirectoryAsync(folder, archive);
        return await server.Client.PutAsync($"/v1/adapters/{name}{query}", new ByteArrayContent(archive.ToArray()));
    }

    /// <summary>The first expected row of a case, token by token.</summary>
    public Task ShouldActLikeAsync(string adapter, string golden) => ShouldActLikeAsync($"?adapter={adapter}", "", golden);

    public async Task ShouldActLikeAsync(string query, string fields, string golden)
    {
        var row = Rows.EnumerateArray().First(row => row.GetProperty("case").GetString() == golden);
        var greedy = row.GetProperty("greedy").EnumerateArray().Select(id => id.GetInt32()).ToArray();

        using var response = await server.PostAsync(
            $"/v1/completions{query}",
            $$"""
            {"prompt": {{row.GetProperty("prompt")}}, "temperature": 0, "max_tokens": {{greedy.Length}}, "ignore_eos": true, "return_token_ids": true{{fields}}}
            """);

        var text = await response.Content.ReadAsStringAsync();
        response.IsSuccessStatusCode.ShouldBeTrue(text);
        JsonSerializer.Deserialize<JsonElement>(text).GetProperty("choices")[0].GetProperty("token_ids").EnumerateArray()
            .Select(id => id.GetInt32()).ShouldBe(greedy);
    }
}
