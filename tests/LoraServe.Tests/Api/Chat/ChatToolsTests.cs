using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Api.Chat;

public class ChatToolsTests(ToolServer server) : IClassFixture<ToolServer>
{
    private const string Render = "{{ tools | tojson }}{% for message in messages %}{{ message.role }}: {{ message.content }}{% endfor %}";

    private static readonly object[] Tools =
    [
        new { type = "function", function = new { name = "get_weather", parameters = new { type = "object" } } },
    ];

    public static TheoryData<string, int[]> Calls => new()
    {
        { "<tool_call>", [ToolServer.Begin, ToolServer.Name, ToolServer.Arguments] },
        { "<|python_tag|>", [ToolServer.Python, ToolServer.Name, ToolServer.Arguments] },
        { "<|python_tag|>", [ToolServer.Name, ToolServer.Parameters] },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Post_ModelCallsATool_GivesTheCallInItsStreamToo(string marker, int[] tokens)
    {
        var whole = await server.ChatAsync(Request(marker, tokens));
        var events = await server.ChatStreamAsync(Request(marker, tokens, ("stream", true)));

        var choice = whole.GetProperty("choices")[0];
        choice.GetProperty("finish_reason").GetString().ShouldBe("tool_calls");
        choice.GetProperty("message").GetProperty("content").ValueKind.ShouldBe(JsonValueKind.Null);
        var call = choice.GetProperty("message").GetProperty("tool_calls").EnumerateArray().ShouldHaveSingleItem();
        call.GetProperty("type").GetString().ShouldBe("function");
        call.GetProperty("id").GetString().ShouldStartWith("call_");
        call.GetProperty("function").GetProperty("name").GetString().ShouldBe("get_weather");
        var arguments = call.GetProperty("function").GetProperty("arguments").GetString()!;
        JsonSerializer.Deserialize<JsonElement>(arguments).GetProperty("city").GetString().ShouldBeOneOf("Paris", "Rome");

        var choices = events.Select(item => item.GetProperty("choices")[0]).ToList();
        choices[0].GetProperty("delta").ToString().ShouldBe("""{"role":"assistant","content":""}""");
        var deltas = choices[1..^1].Select(item => item.GetProperty("delta").GetProperty("tool_calls")[0]).ToList();
        deltas.ShouldAllBe(delta => delta.GetProperty("index").GetInt32() == 0);
        deltas[0].EnumerateObject().Select(field => field.Name).ShouldBe(["index", "id", "type", "function"]);
        deltas[0].GetProperty("function").ToString().ShouldBe("""{"name":"get_weather","arguments":""}""");
        string.Concat(deltas.Select(delta => delta.GetProperty("function").GetProperty("arguments").GetString())).ShouldBe(arguments);
        choices[^1].GetProperty("delta").ToString().ShouldBe("{}");
        choices[^1].GetProperty("finish_reason").GetString().ShouldBe("tool_calls");
    }

    [Fact]
    public async Task Post_NoneOfMistralsForms_IsContentWithItsMarker()
    {
        var answer = await server.ChatAsync(Request("[TOOL_CALLS]", [ToolServer.Text, ToolServer.Mistral, ToolServer.Name, ToolServer.Arguments]));

        var message = answer.GetProperty("choices")[0].GetProperty("message");
        message.GetProperty("content").GetString().ShouldBe("""Let me see.[TOOL_CALLS]{"name":"get_weather", "arguments": {"city": "Paris"}}""");
        answer.GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("stop");
    }

    [Fact]
    public async Task Post_TextBeforeTheCall_IsContent()
    {
        var answer = await server.ChatAsync(Request("<tool_call>", [ToolServer.Text, ToolServer.Begin, ToolServer.Name, ToolServer.Arguments]));

        var message = answer.GetProperty("choices")[0].GetProperty("message");
        message.GetProperty("content").GetString().ShouldBe("Let me see.");
        message.GetProperty("tool_calls").GetArrayLength().ShouldBe(1);
    }

    [Fact]
    public async Task Post_MalformedCall_IsContent()
    {
        var answer = await server.ChatAsync(Request("<tool_call>", [ToolServer.Begin, ToolServer.Name, ToolServer.Broken]));

        var choice = answer.GetProperty("choices")[0];
        choice.GetProperty("message").GetProperty("content").GetString().ShouldBe("""<tool_call>{"name":"get_weather", "arguments": {"city": }}""");
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
    }

    [Fact]
    public async Task Post_ToolChoiceNone_HidesTheToolsAndParsesNothing()
    {
        var answer = await server.ChatAsync(Request(
            "<tool_call>", [ToolServer.Begin, ToolServer.Name, ToolServer.Arguments], ("tool_choice", "none"), ("return_token_ids", true)));

        answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()
            .ShouldBe("""{"name":"get_weather", "arguments": {"city": "Paris"}}""");
        int[] prompt = [.. answer.GetProperty("prompt_token_ids").EnumerateArray().Select(id => id.GetInt32())];
        server.Engine.Tokenizer.Decode(prompt).ShouldStartWith("nulluser: ");
    }

    [Fact]
    public async Task Post_ToolsThatTheTemplateDoesNotShow_AreRefused()
    {
        object request = new { messages = new[] { new { role = "user", content = "a" } }, tools = Tools };

        using var response = await server.Client.PostAsJsonAsync("/v1/chat/completions", request);

        var error = await LoraServeServer.ErrorAsync(response, 400);
        error.GetProperty("param").GetString().ShouldBe("tools");
        error.GetProperty("message").GetString()!.ShouldContain("its chat template has no place for tools");
    }

    [Fact]
    public async Task Post_TemplateOfTheRequest_SeesVariablesAndSpecialTokens()
    {
        var answer = await server.ChatAsync(new
        {
            messages = new[] { new { role = "user", content = "a" } },
            chat_template = "{{ bos_token }}{{ mood }} {{ messages[0].content }}{{ documents[0].text }}",
            chat_template_kwargs = new { mood = "glad" },
            documents = new[] { new { text = "b" } },
            max_tokens = 1,
            return_token_ids = true,
        });

        int[] prompt = [.. answer.GetProperty("prompt_token_ids").EnumerateArray().Select(id => id.GetInt32())];
        server.Engine.Tokenizer.Decode(prompt).ShouldBe("<|endoftext|>glad ab");
    }

    [Theory]
    [InlineData("chat_template", "{% if %}")]
    [InlineData("messages", "{{ raise_exception('only one message') }}")]
    public async Task Post_TemplateThatFails_SaysWhy(string param, string template)
    {
        object request = new { messages = new[] { new { role = "user", content = "a" } }, chat_template = template };

        using var response = await server.Client.PostAsJsonAsync("/v1/chat/completions", request);

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("param").GetString().ShouldBe(param);
    }

    private static Dictionary<string, object> Request(string marker, int[] tokens, params (string Name, object Value)[] more)
    {
        var request = ToolServer.Generate(tokens);
        request["messages"] = new[] { new { role = "user", content = "How is the weather?" } };
        request["tools"] = Tools;
        request["chat_template"] = $"{Render}{{# {marker} #}}";
        foreach (var (name, value) in more) request[name] = value;
        return request;
    }
}
