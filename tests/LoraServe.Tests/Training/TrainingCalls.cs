using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace LoraServe.Tests.Training;

/// <summary>Requests for tests of trainings.</summary>
internal static class TrainingCalls
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <summary>The first lines of the demo's data.</summary>
    public static string Sql(int lines, string part = "train") =>
        string.Join('\n', File.ReadLines(Repository.File("src", "LoraServe", "Demo", "data", $"sql.{part}.jsonl")).Take(lines));

    /// <summary>Uploads a file.</summary>
    public static async Task<HttpResponseMessage> UploadAsync(
        this HttpClient client, string content, string name = "data.jsonl", string purpose = "fine-tune", params (string Name, string Value)[] more)
    {
        using var form = new MultipartFormDataContent { { new StringContent(purpose), "purpose" } };
        foreach (var field in more) form.Add(new StringContent(field.Value), field.Name);
        var file = new ByteArrayContent(Encoding.UTF8.GetBytes(content));
        file.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        form.Add(file, "file", name);
        return await client.PostAsync("/v1/files", form);
    }

    /// <summary>The id of a file whose upload must succeed.</summary>
    public static async Task<string> FileAsync(this HttpClient client, string content, string name = "data.jsonl")
    {
        using var response = await client.UploadAsync(content, name);
        return (await response.OkAsync()).GetProperty("id").GetString()!;
    }

    /// <summary>Submits a training of a few steps, which must be accepted.</summary>
    public static async Task<JsonElement> TrainAsync(this HttpClient client, string file, object? lora = null, object? more = null)
    {
        var request = JsonSerializer.SerializeToNode(more ?? new { })!.AsObject();
        request["model"] ??= "loraserve-demo";
        request["training_file"] = file;
        request["seed"] ??= 7;
        request["method"] ??= JsonSerializer.SerializeToNode(new
        {
            type = "supervised",
            supervised = new { hyperparameters = new { batch_size = 2, lora = lora ?? new { r = 2, steps = 3, learning_rate = 0.01 } } },
        });
        using var response = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", request);
        return await response.OkAsync();
    }

    /// <summary>Polls a resource until its status is final, or until a condition holds.</summary>
    public static async Task<JsonElement> WhenAsync(this HttpClient client, string path, Func<JsonElement, bool>? isWanted = null)
    {
        using var patience = new CancellationTokenSource(LoraServeServer.Patience);
        while (true)
        {
            var found = await client.GetFromJsonAsync<JsonElement>(path, patience.Token);
            if ((isWanted ?? HasEnded)(found)) return found;
            await Task.Delay(Poll, patience.Token);
        }
    }

    /// <summary>A training once it has ended.</summary>
    public static Task<JsonElement> EndAsync(this HttpClient client, JsonElement job) => client.WhenAsync($"/v1/fine_tuning/jobs/{job.Text("id")}");

    /// <summary>A training that must have succeeded.</summary>
    public static async Task<JsonElement> SuccessAsync(this HttpClient client, JsonElement job)
    {
        var ended = await client.EndAsync(job);
        ended.Text("status").ShouldBe("succeeded", ended.ToString());
        return ended;
    }

    /// <summary>The events of a training, the oldest first.</summary>
    public static async Task<List<JsonElement>> EventsAsync(this HttpClient client, string id)
    {
        var events = await client.GetFromJsonAsync<JsonElement>($"/v1/fine_tuning/jobs/{id}/events?limit=1000");
        return [.. events.GetProperty("data").EnumerateArray().Reverse()];
    }

    /// <summary>The answer of a request that must succeed.</summary>
    public static async Task<JsonElement> OkAsync(this HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, text);
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>The answer of a POST without a body that must succeed.</summary>
    public static async Task<JsonElement> PostOkAsync(this HttpClient client, string path, object? body = null)
    {
        using var response = body is null ? await client.PostAsync(path, null) : await client.PostAsJsonAsync(path, body);
        return await response.OkAsync();
    }

    public static string? Text(this JsonElement json, string field) => json.GetProperty(field).GetString();

    private static bool HasEnded(JsonElement job) => job.Text("status") is "succeeded" or "failed" or "cancelled";
}

/// <summary>The demo model, for tests that train on it.</summary>
public sealed class TrainingServer() : LoraServeServer(Settings(("MaxTrainingFileSize", "1")));

[CollectionDefinition(nameof(TrainingServer))]
public sealed class TrainingServerCollection : ICollectionFixture<TrainingServer>;
