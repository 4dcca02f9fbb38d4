using System.IO.Compression;
using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Api.Compare;

[Collection(nameof(DemoServer))]
public class CompareApiTests(DemoServer server)
{
    private const string Message =
        "Dear Sir or Madam, Thorsten Beaumont here. I am writing about the Aois Ruzurra. The color of the Aois Ruzurra is wrong, it is black. "
        + "The order is 84612. Please exchange it for another model.";

    private static readonly string[] Adapters = ["extract", "sentiment", "sql", "summarize"];

    [Fact]
    public async Task Post_PromptForFiveColumns_GivesEachItsSoloText()
    {
        var solo = new List<string?>();
        foreach (var adapter in Adapters.Prepend(""))
            solo.Add(Text(await server.CompleteAsync(new { prompt = Message, adapter, temperature = 0, max_tokens = 48 })));

        var answer = await server.PostJsonAsync("/v1/compare", new { prompt = Message, adapters = Adapters, temperature = 0, max_tokens = 48 });

        var choices = answer.GetProperty("choices").EnumerateArray().ToList();
        choices.Select(choice => choice.GetProperty("index").GetInt32()).ShouldBe([0, 1, 2, 3, 4]);
        choices.Select(choice => choice.GetProperty("adapter").GetString()!.Split('@')[0]).ShouldBe(Adapters.Prepend("base"));
        choices.Select(choice => choice.GetProperty("text").GetString()).ShouldBe(solo);
        solo.Distinct().Count().ShouldBe(5);
        var columns = answer.GetProperty("columns").EnumerateArray().ToList();
        columns.Select(column => column.GetProperty("adapter").GetString()).ShouldBe(choices.Select(choice => choice.GetProperty("adapter").GetString()));
        columns.Sum(column => column.GetProperty("usage").GetProperty("total_tokens").GetInt32())
            .ShouldBe(answer.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task Post_ConversationStreamed_GivesEachItsSoloText()
    {
        object[] messages = [new { role = "user", content = Message }];
        var solo = new List<string?>();
        foreach (var adapter in Adapters.Prepend(""))
        {
            var alone = await server.ChatAsync(new { messages, adapter, temperature = 0, max_tokens = 48 });
            solo.Add(alone.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        }

        var events = await server.PostStreamAsync("/v1/compare", new
        {
            messages,
            adapters = Adapters,
            temperature = 0,
            max_tokens = 48,
            stream = true,
            stream_options = new { include_usage = true },
        });

        events[^1].GetProperty("columns").GetArrayLength().ShouldBe(5);
        var pieces = events[..^1].Select(item => item.GetProperty("choices")[0]).ToList();
        for (var column = 0; column < 5; column++)
        {
            var own = pieces.Where(piece => piece.GetProperty("index").GetInt32() == column).ToList();
            own.ShouldAllBe(piece => piece.GetProperty("adapter").GetString()!.StartsWith(Adapters.Prepend("base").ElementAt(column)));
            string.Concat(own.Select(piece => piece.GetProperty("delta").TryGetProperty("content", out var text) ? text.GetString() : ""))
                .ShouldBe(solo[column]);
        }

        // No column waits for the end of another.
        var firstEnd = pieces.FindIndex(piece => piece.GetProperty("finish_reason").ValueKind == JsonValueKind.String);
        pieces[..firstEnd].Select(piece => piece.GetProperty("index").GetInt32()).Distinct().Count().ShouldBe(5);
    }

    [Fact]
    public async Task Post_PromptStreamed_HasPiecesOfText()
    {
        var events = await server.PostStreamAsync("/v1/compare", new
        {
            prompt = "Which products cost less than 59 euros?",
            adapters = new[] { "sql" },
            include_base = false,
            temperature = 0,
            stream = true,
        });

        var pieces = events.Select(item => item.GetProperty("choices")[0]).ToList();
        string.Concat(pieces.Select(piece => piece.GetProperty("text").GetString())).ShouldBe("SELECT name FROM products WHERE price < 59;");
        pieces.ShouldAllBe(piece => piece.GetProperty("adapter").GetString()!.StartsWith("sql@"));
        pieces[^1].GetProperty("finish_reason").GetString().ShouldBe("stop");
    }

    [Fact]
    public async Task Post_WeightsSumsAndVersions_AreColumns()
    {
        var answer = await server.PostJsonAsync("/v1/compare", new
        {
            prompt = "It broke.",
            adapters = new object[] { new { name = "sql", weight = 0.5 }, "sentiment:0.7,summarize:0.3", "loraserve-demo" },
            include_base = false,
            n = 2,
            max_tokens = 2,
            return_token_ids = true,
        });

        answer.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("adapter").GetString()!.Split('@')[0])
            .ShouldBe(["sql:0.5", "sql:0.5", "sentiment:0.7,summarize:0.3", "sentiment:0.7,summarize:0.3", "base", "base"]);
        answer.GetProperty("choices").EnumerateArray().ShouldAllBe(choice => choice.GetProperty("token_ids").GetArrayLength() > 0);
    }

    [Fact]
    public async Task Post_AdapterWithItsOwnTemplate_HasItsOwnPrompt()
    {
        var folder = Directory.CreateTempSubdirectory("loraserve-template-");
        foreach (var file in Directory.GetFiles(Repository.File("src", "LoraServe", "Demo", "adapters", "sentiment")))
            File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "chat_template.jinja"), "Q: {{ messages[-1].content }} A:");
        await using var archive = new MemoryStream();
        await ZipFile.CreateFromDirectoryAsync(folder.FullName, archive);
        folder.Delete(recursive: true);
        using var upload = await server.Client.PutAsync("/v1/adapters/templated", new ByteArrayContent(archive.ToArray()));
        upload.IsSuccessStatusCode.ShouldBeTrue(await upload.Content.ReadAsStringAsync());

        var answer = await server.PostJsonAsync("/v1/compare", new
        {
            messages = new[] { new { role = "user", content = "Good?" } },
            adapters = new[] { "templated", "sentiment" },
            include_base = false,
            max_tokens = 1,
            return_token_ids = true,
        });

        (await server.Client.DeleteAsync("/v1/adapters/templated?force=true")).EnsureSuccessStatusCode();
        answer.GetProperty("choices").EnumerateArray().Select(Prompt).ShouldBe(["Q: Good? A:", "<|user|>Good?<|end|><|assistant|>"]);

        string Prompt(JsonElement choice) =>
            server.Engine.Tokenizer.Decode([.. choice.GetProperty("prompt_token_ids").EnumerateArray().Select(id => id.GetInt32())]);
    }

    [Theory]
    [InlineData("adapters: is required; prompt: expected either a prompt or messages, found neither", "{}")]
    [InlineData("prompt: expected either a prompt or messages, found both", """{"prompt": "a", "messages": [{"role": "user", "content": "b"}], "adapters": ["sql"]}""")]
    [InlineData("prompt: expected one prompt, found 2", """{"prompt": ["a", "b"], "adapters": ["sql"]}""")]
    [InlineData("tools: is only allowed with messages", """{"prompt": "a", "adapters": ["sql"], "tools": [{"function": {"name": "a"}}]}""")]
    [InlineData("adapters: expected a list of 1 to 64 adapters", """{"prompt": "a", "adapters": [7]}""")]
    [InlineData("adapters: expected adapters that can be read", """{"prompt": "a", "adapters": ["../x"]}""")]
    [InlineData("adapter: is not for comparisons", """{"prompt": "a", "adapter": "sql", "adapters": ["sql"]}""")]
    [InlineData("model: expected loraserve-demo or nothing", """{"prompt": "a", "model": "sql", "adapters": ["sql"]}""")]
    public async Task Post_WrongRequest_SaysWhatIsWrong(string message, string body)
    {
        using var response = await server.PostAsync("/v1/compare", body);

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("message").GetString().ShouldStartWith(message);
    }

    [Fact]
    public async Task Post_AdapterInTheQuery_IsRefused()
    {
        using var response = await server.PostAsync("/v1/compare?adapter=sql", """{"prompt": "a", "adapters": ["sql"]}""");

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("param").GetString().ShouldBe("adapter");
    }

    [Fact]
    public async Task Post_SeveralColumns_HaveNoHeaderOfOneAdapter()
    {
        using var response = await server.PostAsync("/v1/compare", """{"prompt": "a", "adapters": ["sql"], "max_tokens": 1}""");

        response.EnsureSuccessStatusCode();
        response.Headers.Contains("x-loraserve-adapter").ShouldBeFalse();
    }

    [Fact]
    public async Task Post_UnknownAdapters_AreAllNamedAndNothingRuns()
    {
        using var response = await server.Client.PostAsJsonAsync(
            "/v1/compare", new { prompt = "a", adapters = new[] { "nope", "sql", "sql:0.5,nada:0.5", "sql@000000000000" } });

        var error = await LoraServeServer.ErrorAsync(response, 404);
        error.GetProperty("param").GetString().ShouldBe("adapters");
        error.GetProperty("message").GetString()!.ShouldStartWith("The model `nope` does not exist or you do not have access to it. The model `nada` does not exist or you do not have access to it. ");
        error.GetProperty("message").GetString()!.ShouldContain("000000000000");
        await LoraServeServer.EventuallyAsync(() => server.Engine.Status is { Running: 0, Waiting: 0 });
    }

    private static string? Text(JsonElement answer) => answer.GetProperty("choices")[0].GetProperty("text").GetString();
}
