using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace LoraServe.Tests.Api.Chat;

[Collection(nameof(DemoServer))]
public class ChatApiTests(DemoServer server)
{
    private const string Question = "Which products cost less than 59 euros?";
    private const string Answer = "SELECT name FROM products WHERE price < 59;";

    private static readonly object[] Conversation = [new { role = "user", content = Question }];

    [Fact]
    public async Task Post_Conversation_AnswersByTheChatTemplate()
    {
        var answer = await server.ChatAsync(new { model = "sql", messages = Conversation, temperature = 0, return_token_ids = true });

        answer.GetProperty("object").GetString().ShouldBe("chat.completion");
        answer.GetProperty("id").GetString().ShouldStartWith("chatcmpl-");
        answer.GetProperty("model").GetString().ShouldBe("sql");
        answer.GetProperty("system_fingerprint").GetString().ShouldStartWith("fp_");
        var choice = answer.GetProperty("choices").EnumerateArray().ShouldHaveSingleItem();
        var message = choice.GetProperty("message");
        message.GetProperty("role").GetString().ShouldBe("assistant");
        message.GetProperty("content").GetString().ShouldBe(Answer);
        message.GetProperty("refusal").ValueKind.ShouldBe(JsonValueKind.Null);
        message.TryGetProperty("tool_calls", out _).ShouldBeFalse();
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
        choice.GetProperty("logprobs").ValueKind.ShouldBe(JsonValueKind.Null);
        Ids(answer, "prompt_token_ids").ShouldBe(server.Engine.Tokenizer.Encode($"<|user|>{Question}<|end|><|assistant|>", addSpecialTokens: false));
        answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBe(Ids(choice, "token_ids").Count);
    }

    [Theory]
    [InlineData("?adapter=sql", """{"messages": [{"role": "user", "content": "Q"}]}""")]
    [InlineData("", """{"adapter": "sql", "messages": [{"role": "user", "content": "Q"}]}""")]
    [InlineData("", """{"model": "sql", "messages": [{"role": "user", "content": "Q"}], "max_tokens": null, "tools": [], "stop": []}""")]
    public async Task Post_AdapterNamedAnywhere_AnswersOnIt(string query, string body)
    {
        using var response = await server.PostAsync($"/v1/chat/completions{query}", body.Replace("\"Q\"", $"\"{Question}\""));

        response.EnsureSuccessStatusCode();
        response.Headers.GetValues("x-loraserve-adapter").ShouldHaveSingleItem().ShouldStartWith("sql@");
    }

    [Fact]
    public async Task Post_NoMaximum_GoesOnToTheEndOfTheContext()
    {
        object[] conversation = [new { role = "user", content = string.Concat(Enumerable.Repeat(" a", 1000)) }];

        var answer = await server.ChatAsync(new { messages = conversation, temperature = 0, ignore_eos = true });

        var usage = answer.GetProperty("usage");
        answer.GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("length");
        usage.GetProperty("completion_tokens").GetInt32().ShouldBeGreaterThan(16);
        usage.GetProperty("total_tokens").GetInt32().ShouldBe(server.Engine.Model.MaxModelLen);
    }

    [Fact]
    public async Task Post_Stream_GivesTheWholeAnswerInTheOrderOfTheApi()
    {
        object request = new { model = "sql", messages = Conversation, temperature = 0, stream = true, stream_options = new { include_usage = true } };

        var events = await server.ChatStreamAsync(request);

        events.ShouldAllBe(item => item.GetProperty("object").GetString() == "chat.completion.chunk");
        events.Select(item => item.GetProperty("id").GetString()).Distinct().ShouldHaveSingleItem();
        events[^1].GetProperty("choices").GetArrayLength().ShouldBe(0);
        events[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBeGreaterThan(1);
        events[..^1].ShouldAllBe(item => item.GetProperty("usage").ValueKind == JsonValueKind.Null);
        var choices = events[..^1].Select(item => item.GetProperty("choices")[0]).ToList();
        choices[0].GetProperty("delta").ToString().ShouldBe("""{"role":"assistant","content":""}""");
        choices[1..^1].ShouldAllBe(choice => choice.GetProperty("delta").EnumerateObject().Single().Name == "content");
        choices[^1].GetProperty("delta").ToString().ShouldBe("{}");
        choices[^1].GetProperty("finish_reason").GetString().ShouldBe("stop");
        choices[..^1].ShouldAllBe(choice => choice.GetProperty("finish_reason").ValueKind == JsonValueKind.Null);
        string.Concat(choices[..^1].Select(choice => choice.GetProperty("delta").GetProperty("content").GetString())).ShouldBe(Answer);
    }

    [Fact]
    public async Task Post_SeveralChoices_StreamLikeTheyAreWhole()
    {
        var request = (bool stream) => new { messages = Conversation, n = 3, seed = 7, temperature = 1, max_tokens = 12, stream, logprobs = true, return_token_ids = true };

        var whole = await server.ChatAsync(request(false));
        var events = await server.ChatStreamAsync(request(true));

        var choices = whole.GetProperty("choices").EnumerateArray().ToList();
        choices.Select(choice => choice.GetProperty("index").GetInt32()).ShouldBe([0, 1, 2]);
        choices.Select(choice => choice.GetProperty("message").GetProperty("content").GetString()).Distinct().Count().ShouldBeGreaterThan(1);
        foreach (var choice in choices)
        {
            var index = choice.GetProperty("index").GetInt32();
            var pieces = events.Select(item => item.GetProperty("choices")[0]).Where(piece => piece.GetProperty("index").GetInt32() == index).ToList();
            string.Concat(pieces.Select(piece => piece.GetProperty("delta").TryGetProperty("content", out var text) ? text.GetString() : ""))
                .ShouldBe(choice.GetProperty("message").GetProperty("content").GetString());
            pieces.SelectMany(piece => piece.TryGetProperty("token_ids", out _) ? Ids(piece, "token_ids") : []).ShouldBe(Ids(choice, "token_ids"));
            pieces.SelectMany(Tokens).ShouldBe(Tokens(choice));
            // Which sequences share a step decides how the last bits are rounded.
            pieces.SelectMany(Logprobs).ShouldBe(Logprobs(choice), tolerance: 1e-4);
            pieces.Count(piece => piece.GetProperty("finish_reason").ValueKind == JsonValueKind.String).ShouldBe(1);
        }
    }

    [Fact]
    public async Task Post_Logprobs_HaveTheBytesOfTheText()
    {
        var answer = await server.ChatAsync(new { model = "sql", messages = Conversation, temperature = 0, logprobs = true, top_logprobs = 20 });

        var choice = answer.GetProperty("choices")[0];
        var tokens = choice.GetProperty("logprobs").GetProperty("content").EnumerateArray().ToList();
        var bytes = tokens.SelectMany(token => token.GetProperty("bytes").EnumerateArray().Select(value => (byte)value.GetInt32())).ToArray();
        Encoding.UTF8.GetString(bytes).ShouldStartWith(choice.GetProperty("message").GetProperty("content").GetString()!);
        tokens.ShouldAllBe(token => token.GetProperty("top_logprobs").GetArrayLength() == 20);
        tokens.ShouldAllBe(token => token.GetProperty("top_logprobs")[0].GetProperty("logprob").GetSingle() == token.GetProperty("logprob").GetSingle());
        tokens[0].GetProperty("token").GetString().ShouldBe("SELECT");
    }

    [Fact]
    public async Task Post_TextParts_AreJoinedByLineBreaks()
    {
        object[] parts = [new { role = "user", content = new[] { new { type = "text", text = "one" }, new { type = "text", text = "two" } } }];

        var answer = await server.ChatAsync(new { messages = parts, max_tokens = 1, return_token_ids = true });

        server.Engine.Tokenizer.Decode([.. Ids(answer, "prompt_token_ids")]).ShouldBe("<|user|>one\ntwo<|end|><|assistant|>");
    }

    [Fact]
    public async Task Post_StopString_EndsBeforeIt()
    {
        var answer = await server.ChatAsync(new { model = "sql", messages = Conversation, temperature = 0, stop = " FROM" });

        var choice = answer.GetProperty("choices")[0];
        choice.GetProperty("message").GetProperty("content").GetString().ShouldBe("SELECT name");
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
        choice.GetProperty("stop_reason").GetString().ShouldBe(" FROM");
    }

    [Fact]
    public async Task Post_ContinueFinalMessage_GoesOnWithIt()
    {
        object[] begun = [.. Conversation, new { role = "assistant", content = "SELECT id FROM" }];

        var answer = await server.ChatAsync(new
        {
            model = "sql",
            messages = begun,
            temperature = 0,
            continue_final_message = true,
            echo = true,
            return_token_ids = true,
        });

        server.Engine.Tokenizer.Decode([.. Ids(answer, "prompt_token_ids")])
            .ShouldBe($"<|user|>{Question}<|end|><|assistant|>SELECT id FROM");
        answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()
            .ShouldBe("SELECT id FROM products WHERE price < 59;");
    }

    [Fact]
    public async Task Post_ContinueFinalMessageWhoseTextIsInTheMarkup_EndsBehindTheMessage()
    {
        object[] begun = [.. Conversation, new { role = "assistant", content = "e" }];

        var answer = await server.ChatAsync(new
        {
            messages = begun,
            chat_template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}",
            continue_final_message = true,
            return_token_ids = true,
            max_tokens = 1,
        });

        server.Engine.Tokenizer.Decode([.. Ids(answer, "prompt_token_ids")]).ShouldEndWith("<|im_start|>assistant\ne");
    }

    [Fact]
    public async Task Post_ToolsWhoseMarkerIsNoSpecialToken_LeaveSpecialTokensOut()
    {
        var answer = await server.ChatAsync(new
        {
            messages = Conversation,
            tools = new[] { new { type = "function", function = new { name = "f" } } },
            chat_template = "{{ tools | tojson }}<tool_call>",
            logit_bias = new Dictionary<string, int> { [$"{server.Engine.Tokenizer.TokenId("<|end|>")}"] = 100 },
            ignore_eos = true,
            max_tokens = 3,
        });

        answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBe(3);
        answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString().ShouldBe("");
    }

    [Fact]
    public async Task Post_PromptLogprobs_AreReturned()
    {
        var answer = await server.ChatAsync(new { messages = Conversation, max_tokens = 1, prompt_logprobs = 1 });

        answer.GetProperty("prompt_logprobs").GetArrayLength().ShouldBe(answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task Post_TooLongConversation_SaysSo()
    {
        using var response = await server.Client.PostAsJsonAsync(
            "/v1/chat/completions", new { messages = new[] { new { role = "user", content = string.Concat(Enumerable.Repeat("word ", 3000)) } } });

        var error = await LoraServeServer.ErrorAsync(response, 400);
        error.GetProperty("code").GetString().ShouldBe("context_length_exceeded");
        error.GetProperty("param").GetString().ShouldBe("messages");
    }

    [Fact]
    public async Task Post_UnknownAdapter_Is404()
    {
        using var response = await server.Client.PostAsJsonAsync("/v1/chat/completions", new { model = "nope", messages = Conversation });

        (await LoraServeServer.ErrorAsync(response, 404)).GetProperty("code").GetString().ShouldBe("model_not_found");
    }

    private static List<int> Ids(JsonElement json, string name) => [.. json.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    private static IEnumerable<string?> Tokens(JsonElement choice) => Logprobs(choice, token => token.GetProperty("token").GetString());

    private static IEnumerable<double> Logprobs(JsonElement choice) => Logprobs(choice, token => token.GetProperty("logprob").GetDouble());

    private static IEnumerable<T> Logprobs<T>(JsonElement choice, Func<JsonElement, T> select) =>
        choice.GetProperty("logprobs") is { ValueKind: JsonValueKind.Object } logprobs
            ? logprobs.GetProperty("content").EnumerateArray().Select(select)
            : [];
}
