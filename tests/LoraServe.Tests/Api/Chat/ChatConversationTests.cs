using System.Text.Json;
using LoraServe.Api.Chat;
using LoraServe.Api.Requests;
using LoraServe.Text.Templates;

namespace LoraServe.Tests.Api.Chat;

public class ChatConversationTests
{
    private const string Marker = "3f9a1c52d7e0b ";

    [Theory]
    [InlineData("{{ message.content }}", """{"role": "user", "content": "a"}""", """{"role":"user","content":"a"}""")]
    [InlineData("{{ message.content }}", """{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}""", """{"role":"user","content":"a\nb"}""")]
    [InlineData("{% for part in message.content %}", """{"role": "user", "content": "a"}""", """{"role":"user","content":[{"type":"text","text":"a"}]}""")]
    [InlineData("", """{"content": null, "role": "assistant", "name": "x", "refusal": null}""", """{"role":"assistant","name":"x","content":""}""")]
    [InlineData("{% for part in message['content'] -%}", """{"role": "assistant"}""", """{"role":"assistant","content":[]}""")]
    [InlineData("", """{"role": "developer", "content": "a"}""", """{"role":"system","content":"a"}""")]
    [InlineData("developer", """{"role": "developer", "content": "a"}""", """{"role":"developer","content":"a"}""")]
    [InlineData("", """{"role": "assistant", "content": "", "tool_calls": []}""", """{"role":"assistant","content":""}""")]
    [InlineData("", """{"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"arguments": "{\"a\": [1, null]}", "name": "f"}}]}""", """{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":{"a":[1,null]}}}],"content":""}""")]
    [InlineData("", """{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": ""}}, {"function": {"name": "g", "arguments": {"b": 1}}}]}""", """{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{}}},{"function":{"name":"g","arguments":{"b":1}}}],"content":""}""")]
    [InlineData("", """{"role": "tool", "tool_call_id": "1", "content": "42", "reasoning_content": "hm"}""", """{"role":"tool","tool_call_id":"1","content":"42","reasoning_content":"hm"}""")]
    [InlineData("", """{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}, {"type": "text", "text": "b"}]}""", """{"role":"assistant","content":"no\nb"}""")]
    [InlineData("", """{"role": "assistant", "content": null, "refusal": "no"}""", """{"role":"assistant","content":"no"}""")]
    [InlineData("", """{"role": "assistant", "content": "", "refusal": "no"}""", """{"role":"assistant","content":"no"}""")]
    [InlineData("", """{"role": "assistant", "content": "a", "refusal": ""}""", """{"role":"assistant","content":"a"}""")]
    public void Write_Message_IsAsTemplatesExpectIt(string template, string message, string expected) =>
        JsonSerializer.Serialize(Write(template, message)[0]).ShouldBe(expected);

    [Fact]
    public void Write_ArgumentsAsDeepAsABody_AreTaken()
    {
        var deep = string.Concat(Enumerable.Repeat("""{"a":""", 60)) + "1" + new string('}', 60);
        var message = JsonSerializer.Serialize(new
        {
            role = "assistant",
            tool_calls = new[] { new { function = new { name = "f", arguments = deep } } },
        });

        Write("", message)[0].GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetRawText().ShouldBe(deep);
    }

    [Theory]
    [InlineData("{% for c in message['content'] %}", true)]
    [InlineData("{%- for item in message.content -%}", true)]
    [InlineData("{% for part in content if part.type == 'text' %}", true)]
    [InlineData("{% for part in message['content'] | selectattr('type', 'equalto', 'text') %}", true)]
    [InlineData("{% for message in messages %}{{ message['content'] }}{% endfor %}", false)]
    [InlineData("{% for message in messages if message.content %}", false)]
    [InlineData("{% for line in content.split('x') %}", false)]
    public void ReadsParts_LoopOverContent_IsSeen(string template, bool expected) =>
        new ChatTemplateTraits(template).ReadsParts.ShouldBe(expected);

    [Theory]
    [InlineData("<a>{0}<end>", "e", "<a>e")]
    [InlineData("<a>{0}<end>", "Once ", "<a>Once ")]
    [InlineData("<a>Once<a>x {0}<end>", " Once", "<a>Once<a>x  Once")]
    public void Cut_FinalMessage_EndsWithItsText(string template, string final, string expected) =>
        FinalMessage.Cut(string.Format(null, template, final + Marker), Marker).ShouldBe(expected);

    [Fact]
    public void Cut_TemplateThatTrims_LeavesNoWhiteSpaceAtTheEnd() =>
        FinalMessage.Cut($"<a>{("Once " + Marker).Trim()}<end>", Marker).ShouldBe("<a>Once");

    [Fact]
    public void Write_EndOfTheLastMessage_IsBehindItsLastText()
    {
        var messages = JsonSerializer.Deserialize<JsonElement>(
            """[{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]}]""");

        Contents("").ShouldBe(["\"a\"", "\"b\\nc!\""]);
        Contents("{% for part in message.content %}")
            .ShouldBe(["""[{"type":"text","text":"a"}]""", """[{"type":"text","text":"b"},{"type":"text","text":"c!"}]"""]);

        IEnumerable<string> Contents(string template) => new ChatConversation(new ChatTemplateTraits(template)).Write(messages, "!")
            .EnumerateArray().Select(message => message.GetProperty("content").GetRawText());
    }

    [Fact]
    public void Cut_TemplateThatChangesTheMessage_SaysSo() =>
        Should.Throw<InvalidRequestException>(() => FinalMessage.Cut($"<a>{Marker.ToUpperInvariant()}<end>", Marker))
            .Message.ShouldContain("changes the last message");

    [Fact]
    public void Check_NoTextToGoOnWith_SaysSo() =>
        Should.Throw<InvalidRequestException>(() => FinalMessage.Check(
                JsonSerializer.SerializeToElement(new[] { new { role = "assistant", content = " " } })))
            .Message.ShouldContain("has no text to go on with");

    private static JsonElement Write(string template, string message) =>
        new ChatConversation(new ChatTemplateTraits(template)).Write(JsonSerializer.Deserialize<JsonElement>($"[{message}]"));
}
