using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace LoraServe.Tests.Api.Completions;

[Collection(nameof(DemoServer))]
public class CompletionsApiTests(DemoServer server)
{
    private const string Message =
        "Hello team. The delivery of my order was five days late. I expect a full refund. Please let me know. Iton Mazer";
    private const string Question = "Which products cost less than 59 euros?";
    private const string Query = "SELECT name FROM products WHERE price < 59;";

    public static TheoryData<int> DemoCases { get; } = [.. Enumerable.Range(0, Expected().GetArrayLength())];

    [Theory]
    [MemberData(nameof(DemoCases))]
    public async Task Post_DemoCase_GivesTheReferenceTokensAndText(int index)
    {
        var expected = Expected()[index];
        var adapter = expected.GetProperty("adapter").GetString();

        var response = await server.CompleteAsync(
            new { prompt = expected.GetProperty("prompt").GetString(), temperature = 0, max_tokens = 64, return_token_ids = true },
            adapter is null ? "" : $"?adapter={adapter}");

        var choice = response.GetProperty("choices")[0];
        Ints(choice.GetProperty("prompt_token_ids")).ShouldBe(Ints(expected.GetProperty("prompt_ids")));
        Ints(choice.GetProperty("token_ids")).ShouldBe(Ints(expected.GetProperty("token_ids")));
        choice.GetProperty("text").GetString().ShouldBe(expected.GetProperty("text").GetString());
        choice.GetProperty("finish_reason").GetString().ShouldBe(expected.GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Post_OnlyAPrompt_FollowsWhatTheModelRecommends()
    {
        var plain = await server.CompleteAsync(new { prompt = Message }, "?adapter=summarize");
        var greedy = await server.CompleteAsync(new { prompt = Message, temperature = 0, max_tokens = 64 }, "?adapter=summarize");

        Text(plain.GetProperty("choices")[0]).ShouldBe(Text(greedy.GetProperty("choices")[0]));
        plain.GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("stop");
    }

    [Fact]
    public async Task Post_AdapterInEveryPlace_IsTheSameAdapter()
    {
        var request = new { prompt = Question, temperature = 0, max_tokens = 32 };

        (await TextAsync(request, "?adapter=sql")).ShouldBe(Query);
        Text(await AskAsync(("adapter", "sql"))).ShouldBe(Query);
        Text(await AskAsync(("adapter", ""), ("adapter_id", "sql"), ("model", "loraserve-demo"))).ShouldBe(Query);
        Text(await AskAsync(("adapter", ""), ("model", "sql"))).ShouldBe(Query);
        Text(await AskAsync(("adapter", ""), ("model", "loraserve-demo:sql"))).ShouldBe(Query);
        Text(await AskAsync(("adapter", null), ("lora_path", "sql"), ("model", "loraserve-demo"))).ShouldBe(Query);
        Text(await AskAsync(("adapter", ""), ("model", ""))).ShouldNotBe(Query);
    }

    [Fact]
    public async Task Post_Response_SaysWhoAnswered()
    {
        using var response = await server.PostAsync("/v1/completions?adapter=sql", """{"prompt": "a", "max_tokens": 1}""");
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();

        var version = (await server.Client.GetFromJsonAsync<JsonElement>("/v1/adapters/sql")).GetProperty("version").GetString()!;
        response.Headers.GetValues("x-loraserve-adapter").ShouldBe([$"sql@{version[..12]}"]);
        response.Headers.GetValues("x-request-id").ShouldHaveSingleItem().ShouldStartWith("req_");
        body.GetProperty("id").GetString().ShouldStartWith("cmpl-");
        body.GetProperty("object").GetString().ShouldBe("text_completion");
        body.GetProperty("model").GetString().ShouldBe("sql");
        body.GetProperty("system_fingerprint").GetString().ShouldEndWith(version[..12]);
        body.GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task Post_RequestIdOfTheClient_IsKept()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Add("x-request-id", "my-request.1");

        using var response = await server.Client.SendAsync(request);

        response.Headers.GetValues("x-request-id").ShouldBe(["my-request.1"]);
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("text/plain")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task Post_OtherContentType_IsTakenForJson(string type)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes("""{"prompt": "a", "max_tokens": 1}"""));
        content.Headers.TryAddWithoutValidation("Content-Type", type);

        using var response = await server.Client.PostAsync("/v1/completions", content);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Post_SeveralPromptsAndChoices_AreIndexedPromptByPrompt()
    {
        const string Other = "SELECT name FROM customers WHERE city = 'Clestad';";

        var response = await server.CompleteAsync(
            new { prompt = new[] { Question, "Show me all customers in Clestad." }, n = 2, temperature = 0, max_tokens = 32, adapter = "sql" });

        var choices = response.GetProperty("choices").EnumerateArray().ToList();
        choices.Select(choice => choice.GetProperty("index").GetInt32()).ShouldBe([0, 1, 2, 3]);
        choices.Select(Text).ShouldBe([Query, Query, Other, Other]);
        var usage = response.GetProperty("usage");
        usage.GetProperty("total_tokens").GetInt32()
            .ShouldBe(usage.GetProperty("prompt_tokens").GetInt32() + usage.GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task Post_TokenIds_AreTheSameAsTheirText()
    {
        var ids = Ints((await server.CompleteAsync(new { prompt = Question, max_tokens = 0, return_token_ids = true }))
            .GetProperty("choices")[0].GetProperty("prompt_token_ids"));

        (await TextAsync(new { prompt = ids, temperature = 0, max_tokens = 32, adapter = "sql" })).ShouldBe(Query);
        (await TextAsync(new { prompt = new[] { ids }, temperature = 0, max_tokens = 32, adapter = "sql" })).ShouldBe(Query);
    }

    [Fact]
    public async Task Post_SameSeed_GivesTheSameTextAlsoAmongOthers()
    {
        var request = new { prompt = "Maria Lopez lives in", seed = 7, temperature = 1.0, max_tokens = 24, n = 2 };
        var alone = await server.CompleteAsync(request);
        var others = Enumerable.Range(0, 16)
            .Select(i => server.CompleteAsync(new { prompt = Message, seed = i, max_tokens = 24, adapter = "extract" }))
            .ToList();

        var among = await server.CompleteAsync(request);
        await Task.WhenAll(others);

        var texts = alone.GetProperty("choices").EnumerateArray().Select(Text).ToList();
        among.GetProperty("choices").EnumerateArray().Select(Text).ShouldBe(texts);
        texts[0].ShouldNotBe(texts[1]);
    }

    [Fact]
    public async Task Post_Stop_EndsTheTextBeforeIt()
    {
        var choice = await AskAsync(("stop", new[] { "nothing", " FROM pro" }));

        Text(choice).ShouldBe("SELECT name");
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
        choice.GetProperty("stop_reason").GetString().ShouldBe(" FROM pro");
    }

    [Fact]
    public async Task Post_EndThatOnlyBeginsAStopString_IsReturned() =>
        Text(await AskAsync(("stop", "59; and more"))).ShouldBe(Query);

    [Fact]
    public async Task Post_IncludeStopStr_KeepsIt()
    {
        Text(await AskAsync(("stop", "FROM"), ("include_stop_str_in_output", true)))
            .ShouldBe("SELECT name FROM");
    }

    [Fact]
    public async Task Post_MinTokens_PutsStopStringsOff()
    {
        var ids = Ints((await AskAsync(("return_token_ids", true))).GetProperty("token_ids"));

        Text(await AskAsync(("min_tokens", ids.Length - 1), ("stop", "FROM"))).ShouldBe(Query);
    }

    [Fact]
    public async Task Post_StopTokenId_EndsTheTextAndSaysSo()
    {
        var ids = Ints((await AskAsync(("return_token_ids", true))).GetProperty("token_ids"));

        var choice = await AskAsync(("stop_token_ids", new[] { ids[3] }), ("return_token_ids", true));

        Ints(choice.GetProperty("token_ids")).ShouldBe(ids[..4]);
        Query.ShouldStartWith(Text(choice));
        choice.GetProperty("stop_reason").GetInt32().ShouldBe(ids[3]);
    }

    [Fact]
    public async Task Post_IgnoreEos_GoesOn()
    {
        var choice = await ChoiceAsync(new { prompt = Question, temperature = 0, max_tokens = 40, adapter = "sql", ignore_eos = true });

        Text(choice).ShouldStartWith(Query);
        choice.GetProperty("finish_reason").GetString().ShouldBe("length");
    }

    [Fact]
    public async Task Post_LogitBias_ForbidsAToken()
    {
        var first = Ints((await AskAsync(("max_tokens", 1), ("return_token_ids", true))).GetProperty("token_ids"))[0];

        var choice = await AskAsync(
            ("max_tokens", 1), ("return_token_ids", true), ("logit_bias", new Dictionary<string, int> { [$"{first}"] = -100 }));

        Ints(choice.GetProperty("token_ids"))[0].ShouldNotBe(first);
    }

    [Fact]
    public async Task Post_Echo_ReturnsThePromptFirst()
    {
        Text(await AskAsync(("echo", true))).ShouldBe(Question + Query);
    }

    [Fact]
    public async Task Post_EchoWithLogprobsAndNoTokens_ScoresThePrompt()
    {
        var choice = await AskAsync(("prompt", "SELECT name FROM products"), ("max_tokens", 0), ("echo", true), ("logprobs", 2));

        Text(choice).ShouldBe("SELECT name FROM products");
        choice.GetProperty("finish_reason").GetString().ShouldBe("length");
        var logprobs = choice.GetProperty("logprobs");
        var tokens = logprobs.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!).ToList();
        string.Concat(tokens).ShouldBe("SELECT name FROM products");
        logprobs.GetProperty("token_logprobs")[0].ValueKind.ShouldBe(JsonValueKind.Null);
        logprobs.GetProperty("top_logprobs")[0].ValueKind.ShouldBe(JsonValueKind.Null);
        logprobs.GetProperty("token_logprobs").EnumerateArray().Skip(1).ShouldAllBe(logprob => logprob.GetSingle() <= 0);
        Ints(logprobs.GetProperty("text_offset")).ShouldBe(tokens.Select((_, i) => string.Concat(tokens.Take(i)).Length));
    }

    [Fact]
    public async Task Post_Logprobs_AreThoseOfTheTextAndItsAlternatives()
    {
        var choice = await AskAsync(("logprobs", 3), ("echo", true));

        var logprobs = choice.GetProperty("logprobs");
        var tokens = logprobs.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!).ToList();
        var offsets = Ints(logprobs.GetProperty("text_offset"));
        string.Concat(tokens).ShouldStartWith(Text(choice));
        for (var i = 0; i < tokens.Count - 1; i++) Text(choice)[offsets[i]..].ShouldStartWith(tokens[i]);
        var tops = logprobs.GetProperty("top_logprobs").EnumerateArray();
        foreach (var (top, logprob) in tops.Zip(logprobs.GetProperty("token_logprobs").EnumerateArray()).TakeLast(5))
        {
            top.EnumerateObject().Count().ShouldBeInRange(3, 4);
            top.EnumerateObject().Max(alternative => alternative.Value.GetSingle()).ShouldBe(logprob.GetSingle());
        }
    }

    [Fact]
    public async Task Post_PromptLogprobs_AreByTokenId()
    {
        var choice = await ChoiceAsync(new { prompt = "SELECT name", max_tokens = 1, prompt_logprobs = 1, return_token_ids = true });

        var positions = choice.GetProperty("prompt_logprobs").EnumerateArray().ToList();
        var ids = Ints(choice.GetProperty("prompt_token_ids"));
        positions.Count.ShouldBe(ids.Length);
        positions[0].ValueKind.ShouldBe(JsonValueKind.Null);
        for (var i = 1; i < ids.Length; i++) positions[i].TryGetProperty($"{ids[i]}", out _).ShouldBeTrue();
    }

    [Fact]
    public async Task Post_TruncatePromptTokens_KeepsTheEnd()
    {
        var choice = await ChoiceAsync(new { prompt = Question, max_tokens = 0, truncate_prompt_tokens = 3, return_token_ids = true });
        var all = await ChoiceAsync(new { prompt = Question, max_tokens = 0, return_token_ids = true });

        Ints(choice.GetProperty("prompt_token_ids")).ShouldBe(Ints(all.GetProperty("prompt_token_ids"))[^3..]);
    }

    [Theory]
    [InlineData("""{"prompt": "Which products cost less than 59 euros?", "adapter": "sql", "mode": "unmerged", "temperature": 0, "max_tokens": 32}""")]
    [InlineData("""{"prompt": ["Show me", "Maria Lopez lives in"], "n": 2, "seed": 3, "max_tokens": 24, "logprobs": 2, "return_token_ids": true}""")]
    [InlineData("""{"prompt": "Show me all customers in Clestad.", "adapter": "sql", "mode": "unmerged", "temperature": 0, "echo": true, "logprobs": 0}""")]
    [InlineData("""{"prompt": "Show me all customers in Clestad.", "adapter": "sql", "mode": "unmerged", "temperature": 0, "stop": ["stome", "E c"]}""")]
    [InlineData("""{"prompt": "\u00e9\u732b", "seed": 5, "temperature": 2, "max_tokens": 64}""")]
    [InlineData("""{"prompt": "Maria", "max_tokens": 0, "echo": true}""")]
    public async Task Post_Stream_AddsUpToTheResponseWithoutOne(string body)
    {
        var request = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(body)!;
        var whole = await server.CompleteAsync(request);
        request["stream"] = JsonSerializer.SerializeToElement(true);
        request["stream_options"] = JsonSerializer.SerializeToElement(new { include_usage = true });

        var events = await server.StreamAsync(request);

        events[..^1].ShouldAllBe(chunk => chunk.GetProperty("usage").ValueKind == JsonValueKind.Null);
        events[^1].GetProperty("choices").GetArrayLength().ShouldBe(0);
        events[^1].GetProperty("usage").ToString().ShouldBe(whole.GetProperty("usage").ToString());
        events.Select(chunk => chunk.GetProperty("id").GetString()).Distinct().ShouldHaveSingleItem();
        foreach (var choice in whole.GetProperty("choices").EnumerateArray())
        {
            var parts = events[..^1].Select(chunk => chunk.GetProperty("choices")[0])
                .Where(part => part.GetProperty("index").GetInt32() == choice.GetProperty("index").GetInt32()).ToList();
            string.Concat(parts.Select(Text)).ShouldBe(Text(choice));
            parts[..^1].ShouldAllBe(part => part.GetProperty("finish_reason").ValueKind == JsonValueKind.Null);
            parts[^1].GetProperty("finish_reason").ToString().ShouldBe(choice.GetProperty("finish_reason").ToString());
            parts[^1].GetProperty("stop_reason").ToString().ShouldBe(choice.GetProperty("stop_reason").ToString());
            Concat(parts, "tokens").ShouldBe(Concat([choice], "tokens"));
            // Which sequences share a step decides how the last bits are rounded.
            Numbers(parts, "token_logprobs").ShouldBe(Numbers([choice], "token_logprobs"), tolerance: 1e-4);
            Concat(parts, "text_offset").ShouldBe(Concat([choice], "text_offset"));
            if (choice.TryGetProperty("token_ids", out var ids))
                parts.SelectMany(part => part.TryGetProperty("token_ids", out var some) ? Ints(some) : []).ShouldBe(Ints(ids));
        }
    }

    [Fact]
    public async Task Post_StreamWithoutUsage_EndsWithTheFinishReason()
    {
        var events = await server.StreamAsync(new { prompt = Question, temperature = 0, max_tokens = 32, adapter = "sql", stream = true });

        events[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("stop");
        events.Count.ShouldBeGreaterThan(3);
    }

    [Theory]
    [InlineData(404, "model_not_found", "/v1/completions?adapter=nobody", """{"prompt": "a"}""")]
    [InlineData(404, "model_not_found", "/v1/completions", """{"prompt": "a", "model": "gpt-4"}""")]
    [InlineData(400, "adapter_conflict", "/v1/completions?adapter=sql", """{"prompt": "a", "model": "extract"}""")]
    [InlineData(400, "adapter_conflict", "/v1/completions?adapter=sql&adapter=extract", """{"prompt": "a"}""")]
    [InlineData(400, "adapter_conflict", "/v1/completions", """{"prompt": "a", "adapter": "sql", "adapter_id": "extract"}""")]
    [InlineData(400, "invalid_json", "/v1/completions", "")]
    [InlineData(400, "invalid_json", "/v1/completions", """{"prompt": """)]
    [InlineData(400, "invalid_json", "/v1/completions", """{"prompt": "a", "prompt": "b"}""")]
    [InlineData(400, "invalid_json", "/v1/completions", """["a"]""")]
    [InlineData(400, "invalid_json", "/v1/completions", "null")]
    [InlineData(400, "invalid_json", "/v1/completions", "prompt=a")]
    [InlineData(400, "invalid_value", "/v1/completions", """{"prompt": "\ud800"}""")]
    [InlineData(400, "invalid_json", "/v1/completions", """{"\ud800": 1, "prompt": "a"}""")]
    [InlineData(400, "invalid_json", "/v1/completions", """{"\ud800": 1}""")]
    [InlineData(400, "invalid_value", "/v1/completions", """{"prompt": [3072]}""")]
    [InlineData(400, "invalid_value", "/v1/completions", """{"prompt": [[1], [-1]]}""")]
    [InlineData(400, "invalid_value", "/v1/completions", """{"prompt": "a", "stop_token_ids": [5000]}""")]
    [InlineData(400, "invalid_value", "/v1/completions", """{"prompt": "a", "logit_bias": {"3072": 1}}""")]
    [InlineData(400, "context_length_exceeded", "/v1/completions", """{"prompt": "a", "max_tokens": 1024}""")]
    [InlineData(400, "context_length_exceeded", "/v1/completions", """{"prompt": "a", "max_tokens": 2147483647}""")]
    [InlineData(400, "unsupported_parameter", "/v1/completions", """{"prompt": "a", "suffix": "b"}""")]
    [InlineData(404, "not_found", "/v1/chat", """{"prompt": "a"}""")]
    [InlineData(405, "method_not_allowed", "/v1/models", """{"prompt": "a"}""")]
    public async Task Post_BadInput_IsAnsweredInOpenAIsShapeAndTheNextRequestWorks(int status, string code, string path, string body)
    {
        using var response = await server.PostAsync(path, body);

        (await LoraServeServer.ErrorAsync(response, status)).GetProperty("code").GetString().ShouldBe(code);
        Text(await AskAsync()).ShouldBe(Query);
    }

    [Theory]
    [InlineData("regex", "\"(yes|no)\"")]
    [InlineData("ebnf", "\"root ::= \\\"yes\\\"\"")]
    [InlineData("lora_request", "{\"lora_name\": \"sql\"}")]
    public async Task Post_FieldThatThisServerCannotKeep_IsNamed(string field, string value)
    {
        using var response = await server.PostAsync("/v1/completions", $$"""{"prompt": "a", "{{field}}": {{value}}}""");

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("param").GetString().ShouldBe(field);
    }

    [Theory]
    [InlineData("?lora_path=sql")]
    [InlineData("?adapter_id=sql")]
    public async Task Post_OtherNamesOfTheQueryParameter_NameTheAdapter(string query) =>
        (await TextAsync(new { prompt = Question, temperature = 0, max_tokens = 32 }, query)).ShouldBe(Query);

    [Fact]
    public async Task Post_OtherNamesOfFields_AreKept()
    {
        (await AskAsync(("stop_sequences", new[] { " FROM" }))).GetProperty("text").GetString().ShouldBe("SELECT name");
        (await AskAsync(("max_tokens", null), ("max_completion_tokens", 3))).GetProperty("finish_reason").GetString().ShouldBe("length");
    }

    [Theory]
    [InlineData("{\"prompt\": \"?\"}")]
    [InlineData("{\"prompt\": \"a\", \"?\": 1}")]
    [InlineData("{\"prompt\": \"a\", \"unknown\": [\"?\"]}")]
    public async Task Post_InvalidUtf8_IsRefused(string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        bytes[bytes.IndexOf((byte)'?')] = 0xff;

        using var response = await server.Client.PostAsync("/v1/completions", new ByteArrayContent(bytes));

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("code").GetString().ShouldBe("invalid_json");
    }

    [Fact]
    public async Task Post_NestedTooDeep_IsRefused()
    {
        using var response = await server.PostAsync("/v1/completions", """{"prompt": """ + new string('[', 100_000));

        await LoraServeServer.ErrorAsync(response, 400);
    }

    [Theory]
    [InlineData("words ")]
    [InlineData("x")]
    [InlineData("猫")]
    public async Task Post_TenMegabytePrompt_IsRefusedByItsCharactersWithoutEncodingIt(string piece)
    {
        var prompt = string.Concat(Enumerable.Repeat(piece, 10_000_000 / Encoding.UTF8.GetByteCount(piece)));

        using var response = await server.PostAsync("/v1/completions", $"{{\"prompt\": \"{prompt}\"}}");

        var error = await LoraServeServer.ErrorAsync(response, 400);
        error.GetProperty("code").GetString().ShouldBe("context_length_exceeded");
        error.GetProperty("message").GetString()!.ShouldContain($"your prompt has {prompt.Length} characters");
    }

    [Fact]
    public async Task Post_TenMegabytePromptThatIsCut_IsRefusedByItsCharacters()
    {
        var text = string.Concat(Enumerable.Repeat("words ", 10_000_000 / 6));

        using var response = await server.PostAsync("/v1/completions", $"{{\"prompt\": \"{text}\", \"truncate_prompt_tokens\": 10, \"max_tokens\": 1}}");

        var error = await LoraServeServer.ErrorAsync(response, 400);
        error.GetProperty("code").GetString().ShouldBe("context_length_exceeded");
        error.GetProperty("message").GetString()!.ShouldContain("truncate_prompt_tokens cannot keep the end: send at most 2097152");
    }

    [Fact]
    public async Task Post_MegabytePromptThatIsCut_HasTheTokensOfItsEnd()
    {
        var text = string.Concat(Enumerable.Range(0, 150_000).Select(i => $"{i} "));

        var choice = await ChoiceAsync(new { prompt = text, truncate_prompt_tokens = 10, max_tokens = 1, return_token_ids = true });

        Ints(choice.GetProperty("prompt_token_ids")).ShouldBe(server.Engine.Tokenizer.Encode(text)[^10..]);
    }

    [Fact]
    public async Task Post_PromptOfTwiceTheContext_IsRefusedBeforeAllOfItIsEncoded()
    {
        using var response = await server.PostAsync("/v1/completions", $"{{\"prompt\": \"{string.Concat(Enumerable.Repeat("a,", 5000))}\"}}");

        var error = await LoraServeServer.ErrorAsync(response, 400);
        error.GetProperty("message").GetString()!.ShouldContain("your prompt has more than 2048 tokens");
    }

    [Fact]
    public async Task Post_BodyAboveTheLimit_IsTooLarge()
    {
        using var response = await server.PostAsync("/v1/completions", "{\"prompt\": \"" + new string('x', 17 << 20));

        await LoraServeServer.ErrorAsync(response, 413);
    }

    // The choice for the question whose answer is known, with more fields.
    private Task<JsonElement> AskAsync(params IEnumerable<(string Field, object Value)> more)
    {
        var request = new Dictionary<string, object>
        {
            ["prompt"] = Question,
            ["adapter"] = "sql",
            ["temperature"] = 0,
            ["max_tokens"] = 32,
        };
        foreach (var (field, value) in more) request[field] = value;
        return ChoiceAsync(request);
    }

    private static JsonElement Expected() =>
        JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Repository.Golden("demo", "expected.json"))).GetProperty("cases");

    private static string Text(JsonElement choice) => choice.GetProperty("text").GetString()!;

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetInt32())];

    // The first token of an echoed prompt has none, which counts as 0.
    private static List<double> Numbers(List<JsonElement> parts, string field) =>
        [.. Concat(parts, field).Select(text => text.Length > 0 ? double.Parse(text, CultureInfo.InvariantCulture) : 0)];

    private static List<string> Concat(List<JsonElement> parts, string field) => [.. parts.Select(part => part.GetProperty("logprobs"))
        .Where(logprobs => logprobs.ValueKind == JsonValueKind.Object)
        .SelectMany(logprobs => logprobs.GetProperty(field).EnumerateArray().Select(item => item.ToString()))];

    private async Task<JsonElement> ChoiceAsync(object request) => (await server.CompleteAsync(request)).GetProperty("choices")[0];

    private async Task<string> TextAsync(object request, string query = "") =>
        Text((await server.CompleteAsync(request, query)).GetProperty("choices")[0]);
}
