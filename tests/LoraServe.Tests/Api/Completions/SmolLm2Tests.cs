using System.Text.Json;

namespace LoraServe.Tests.Api.Completions;

/// <summary>
/// A real model, too large for the repository: SmolLM2-135M-Instruct in the folder that LORASERVE_SMOLLM2 names, else in
/// ~/.cache/loraserve/SmolLM2-135M-Instruct; the adapters of the expected rows in a folder beside it called smollm2-adapters.
/// </summary>
[Trait("Category", "SmolLM2")]
public class SmolLm2Tests
{
    private static readonly string Model = Environment.GetEnvironmentVariable("LORASERVE_SMOLLM2")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "loraserve", "SmolLM2-135M-Instruct");

    private static readonly string Adapters = Path.GetFullPath(Path.Combine(Model, "..", "smollm2-adapters"));

    [Fact]
    public async Task Post_ReferenceRows_GiveTheReferenceTokens()
    {
        Assert.SkipUnless(Directory.Exists(Model), $"{Model} is not there: SmolLM2-135M-Instruct; LORASERVE_SMOLLM2 can name another place.");
        Assert.SkipUnless(Directory.Exists(Adapters), $"{Adapters} is not there: it holds the adapters of Golden/smollm2/expected.json.");
        await using var server = new SmolLm2Server();
        await server.InitializeAsync();
        var json = await File.ReadAllTextAsync(Repository.Golden("smollm2", "expected.json"));
        var rows = JsonSerializer.Deserialize<List<JsonElement>>(json)!;

        // All at once: rows of different adapters share their batches.
        var answers = await Task.WhenAll(rows.Select(row => server.CompleteAsync(new
        {
            prompt = row.TryGetProperty("prompt", out var prompt) ? prompt : row.GetProperty("prompt_ids"),
            adapter = row.GetProperty("adapter").GetString(),
            temperature = 0,
            max_tokens = row.GetProperty("greedy").GetArrayLength(),
            return_token_ids = true,
        })));

        foreach (var (row, answer) in rows.Zip(answers))
        {
            var choice = answer.GetProperty("choices")[0];
            choice.GetProperty("prompt_token_ids").ToString().ShouldBe(Compact(row.GetProperty("prompt_ids")));
            choice.GetProperty("token_ids").ToString().ShouldBe(Compact(row.GetProperty("greedy")));
            choice.GetProperty("text").GetString().ShouldBe(row.GetProperty("text").GetString());
            choice.GetProperty("finish_reason").GetString().ShouldBe(row.GetProperty("finish").GetString());
        }
    }

    [Fact]
    public async Task Post_ReferenceConversations_GiveTheReferenceTokens()
    {
        Assert.SkipUnless(Directory.Exists(Model), $"{Model} is not there: SmolLM2-135M-Instruct; LORASERVE_SMOLLM2 can name another place.");
        Assert.SkipUnless(Directory.Exists(Adapters), $"{Adapters} is not there: it holds the adapters of Golden/smollm2/expected.json.");
        await using var server = new SmolLm2Server();
        await server.InitializeAsync();
        var json = await File.ReadAllTextAsync(Repository.Golden("smollm2", "expected.json"));
        var rows = JsonSerializer.Deserialize<List<JsonElement>>(json)!.Where(row => row.TryGetProperty("messages", out _)).ToList();
        rows.ShouldNotBeEmpty();

        var answers = await Task.WhenAll(rows.Select(row => server.ChatAsync(new
        {
            messages = row.GetProperty("messages"),
            adapter = row.GetProperty("adapter").GetString(),
            temperature = 0,
            max_completion_tokens = row.GetProperty("greedy").GetArrayLength(),
            return_token_ids = true,
        })));

        foreach (var (row, answer) in rows.Zip(answers))
        {
            var choice = answer.GetProperty("choices")[0];
            answer.GetProperty("prompt_token_ids").ToString().ShouldBe(Compact(row.GetProperty("prompt_ids")));
            choice.GetProperty("token_ids").ToString().ShouldBe(Compact(row.GetProperty("greedy")));
            choice.GetProperty("message").GetProperty("content").GetString().ShouldBe(row.GetProperty("text").GetString());
            choice.GetProperty("finish_reason").GetString().ShouldBe(row.GetProperty("finish").GetString());
        }
    }

    [Fact]
    public async Task Post_StopThatIsASpecialToken_EndsThere()
    {
        Assert.SkipUnless(Directory.Exists(Model), $"{Model} is not there: SmolLM2-135M-Instruct; LORASERVE_SMOLLM2 can name another place.");
        Assert.SkipUnless(Directory.Exists(Adapters), $"{Adapters} is not there: it holds the adapters of Golden/smollm2/expected.json.");
        await using var server = new SmolLm2Server();
        await server.InitializeAsync();

        var answer = await server.CompleteAsync(new
        {
            prompt = "<|im_start|>user\nSay hi<|im_end|>\n<|im_start|>assistant\n",
            temperature = 0,
            max_tokens = 40,
            ignore_eos = true,
            stop = new[] { "<|im_start|>" },
        });

        var choice = answer.GetProperty("choices")[0];
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
        choice.GetProperty("stop_reason").GetString().ShouldBe("<|im_start|>");
        choice.GetProperty("text").GetString()!.ShouldNotContain("im_start");
    }

    private static string Compact(JsonElement ids) => JsonSerializer.Serialize(ids);

    private sealed class SmolLm2Server() : LoraServeServer(Settings(("Model", Model), ("Adapters", Adapters), ("KvCacheMemory", "512")));
}
