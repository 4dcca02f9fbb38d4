using System.Text.Json;
using LoraServe.Api.Chat;
using LoraServe.Api.Requests;
using LoraServe.Engine.Sampling;

namespace LoraServe.Tests.Api.Chat;

public class ChatRequestReaderTests
{
    private const string User = """{"role": "user", "content": "a"}""";

    [Fact]
    public void Read_OnlyMessages_HasTheDefaultsOfTheApi()
    {
        var request = Read($$"""{"messages": [{{User}}]}""");

        request.MostTokens.ShouldBeNull();
        request.Alternatives.ShouldBeNull();
        request.AddsGenerationPrompt.ShouldBeTrue();
        request.AddsSpecialTokens.ShouldBeFalse();
        request.ExpectsToolCalls.ShouldBeFalse();
        request.ParallelToolCalls.ShouldBeTrue();
        request.N.ShouldBe(1);
    }

    [Fact]
    public void Read_EverythingThatClientsSendAsNeutral_IsTaken()
    {
        var request = Read(
            $$"""
            {"messages": [{{User}}, {"role": "assistant", "content": null, "refusal": null, "audio": null, "function_call": null, "tool_calls": []},
              {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
              {"role": "tool", "tool_call_id": "x", "content": [{"type": "text", "text": "b"}]}],
             "max_tokens": null, "max_completion_tokens": 5, "tools": null, "tool_choice": "auto", "response_format": {"type": "text"},
             "functions": [], "function_call": null, "modalities": ["text"], "store": false, "metadata": {"a": "b"}, "user": "me",
             "logprobs": false, "top_logprobs": null, "stream_options": null, "best_of": 1, "service_tier": "auto", "reasoning_effort": null}
            """);

        request.MostTokens.ShouldBe(5);
    }

    [Theory]
    [InlineData("messages: is required", "{}")]
    [InlineData("messages: expected a list of at least one message, found []", """{"messages": []}""")]
    [InlineData("messages[0]: expected an object with role and content, found \"a\"", """{"messages": ["a"]}""")]
    [InlineData("messages[0].role: expected developer, system, user, assistant, tool, found \"function\"", """{"messages": [{"role": "function", "content": "a"}]}""")]
    [InlineData("messages[0].role: expected developer, system, user, assistant, tool, found nothing", """{"messages": [{"content": "a"}]}""")]
    [InlineData("messages[0].content: is required", """{"messages": [{"role": "user"}]}""")]
    [InlineData("messages[0].content: expected a text or a list of parts, found 7", """{"messages": [{"role": "user", "content": 7}]}""")]
    [InlineData("messages[0].content[0].type: \"image_url\" is not supported", """{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}""")]
    [InlineData("messages[0].content[0].type: \"input_audio\" is not supported", """{"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}""")]
    [InlineData("messages[0].content[0].type: expected text, found \"txt\"", """{"messages": [{"role": "user", "content": [{"type": "txt"}]}]}""")]
    [InlineData("messages[0].content[0].text: expected a text, found 1", """{"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}""")]
    [InlineData("messages[0].tool_calls: only an assistant's message can have some", """{"messages": [{"role": "user", "content": "a", "tool_calls": [{"function": {"name": "f"}}]}]}""")]
    [InlineData("messages[0].tool_calls[0].function.arguments: expected the text of a JSON object, found \"[1]\"", """{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "[1]"}}]}]}""")]
    [InlineData("messages[0].tool_calls[0].function.arguments: expected the text of a JSON object", """{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{\"\\ud800\": 1}"}}]}]}""")]
    [InlineData("messages[0].tool_calls[0].function.name: expected a text, found nothing", """{"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]}""")]
    [InlineData("messages[0].function_call: is not supported by this server", """{"messages": [{"role": "assistant", "function_call": {"name": "f"}}]}""")]
    [InlineData("tools[0].function.strict: is not supported", """{"messages": [{"role": "user", "content": "a"}], "tools": [{"type": "function", "function": {"name": "f", "strict": true}}]}""")]
    [InlineData("tools[0].type: expected function, found \"code\"", """{"messages": [{"role": "user", "content": "a"}], "tools": [{"type": "code", "function": {"name": "f"}}]}""")]
    [InlineData("tools[0]: expected an object like", """{"messages": [{"role": "user", "content": "a"}], "tools": [{"type": "function", "function": {"name": ""}}]}""")]
    [InlineData("tool_choice: expected auto or none, found \"required\": this server cannot force", """{"messages": [{"role": "user", "content": "a"}], "tool_choice": "required"}""")]
    [InlineData("tool_choice: expected auto or none, found {\"type\": \"function\"", """{"messages": [{"role": "user", "content": "a"}], "tool_choice": {"type": "function", "function": {"name": "f"}}}""")]
    [InlineData("tool_choice: expected auto or none, found 7", """{"messages": [{"role": "user", "content": "a"}], "tool_choice": 7}""")]
    [InlineData("functions: is not supported by this server", """{"messages": [{"role": "user", "content": "a"}], "functions": [{"name": "f"}]}""")]
    [InlineData("response_format: is not supported by this server", """{"messages": [{"role": "user", "content": "a"}], "response_format": {"type": "json_object"}}""")]
    [InlineData("modalities: is not supported by this server, found [\"text\", \"audio\"]: this server reads text only", """{"messages": [{"role": "user", "content": "a"}], "modalities": ["text", "audio"]}""")]
    [InlineData("top_logprobs: is only allowed with logprobs = true", """{"messages": [{"role": "user", "content": "a"}], "top_logprobs": 1}""")]
    [InlineData("top_logprobs: expected a whole number from 0 to 20, found 21", """{"messages": [{"role": "user", "content": "a"}], "logprobs": true, "top_logprobs": 21}""")]
    [InlineData("max_tokens: is the older name of max_completion_tokens, which says 2, found 1", """{"messages": [{"role": "user", "content": "a"}], "max_tokens": 1, "max_completion_tokens": 2}""")]
    [InlineData("continue_final_message: is not possible together with add_generation_prompt", """{"messages": [{"role": "user", "content": "a"}], "continue_final_message": true, "add_generation_prompt": true}""")]
    [InlineData("echo: is only allowed where the last message is the assistant's", """{"messages": [{"role": "user", "content": "a"}], "echo": true}""")]
    [InlineData("chat_template_kwargs: expected an object, found [1]", """{"messages": [{"role": "user", "content": "a"}], "chat_template_kwargs": [1]}""")]
    [InlineData("chat_template_kwargs.messages: is not possible", """{"messages": [{"role": "user", "content": "a"}], "chat_template_kwargs": {"messages": []}}""")]
    [InlineData("chat_template_kwargs.tools: is not possible", """{"messages": [{"role": "user", "content": "a"}], "chat_template_kwargs": {"tools": null}}""")]
    [InlineData("best_of: expected 1 or n = 3, found 2", """{"messages": [{"role": "user", "content": "a"}], "n": 3, "best_of": 2}""")]
    [InlineData("stream_options.continuous_usage_stats: is not supported", """{"messages": [{"role": "user", "content": "a"}], "stream": true, "stream_options": {"continuous_usage_stats": true}}""")]
    [InlineData("documents: expected a list, found {}", """{"messages": [{"role": "user", "content": "a"}], "documents": {}}""")]
    [InlineData("messages[0].refusal: only an assistant's message can have one", """{"messages": [{"role": "user", "content": "a", "refusal": "no"}]}""")]
    [InlineData("messages[0].refusal: expected a text, found 1", """{"messages": [{"role": "assistant", "refusal": 1}]}""")]
    [InlineData("messages[0].refusal: expected either a content or a refusal, found both", """{"messages": [{"role": "assistant", "content": "a", "refusal": "no"}]}""")]
    [InlineData("messages[0].content[0].type: expected text, found \"refusal\"", """{"messages": [{"role": "user", "content": [{"type": "refusal", "refusal": "no"}]}]}""")]
    [InlineData("messages[0].content[0].refusal: expected a text, found nothing", """{"messages": [{"role": "assistant", "content": [{"type": "refusal"}]}]}""")]
    public void Read_WrongField_SaysWhichAndWhy(string message, string json) =>
        Should.Throw<InvalidRequestException>(() => Read(json)).Message.ShouldStartWith(message);

    [Fact]
    public void Read_SeveralFaults_AreAllNamed() => Should.Throw<InvalidRequestException>(() => Read(
            """{"messages": [{"role": "x", "content": 1}, {"role": "user", "content": "a", "name": 2}], "tools": [1], "n": 0, "functions": [1]}"""))
        .Faults.Select(fault => fault.Param)
        .ShouldBe(["messages[0].role", "messages[0].content", "messages[1].name", "tools[0]", "n", "functions"], ignoreOrder: true);

    private static ChatRequest Read(string json) =>
        ChatRequestReader.Read(JsonSerializer.Deserialize<JsonElement>(json), new SamplingParams());
}
