using System.Text.Json;
using LoraServe.Text.Templates;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Templates;

public class ChatTemplateTests
{
    [Theory]
    [InlineData("a\nb {{ x y }}", 2, "expected '}}', found 'y'")]
    [InlineData("\n\n{% if x %}\n", 3, "'if' has no end: expected 'elif' or 'else' or 'endif'")]
    [InlineData("{% for x in y %}\n{% endif %}", 2, "unknown tag 'endif': 'for' is open, which ends with 'endfor' or 'else'")]
    [InlineData("{% frobnicate %}", 1, "unknown tag 'frobnicate'")]
    [InlineData("{{ 'a }}", 1, "the string has no end")]
    [InlineData("{{ a\n\n ? }}", 3, "unexpected character '?'")]
    [InlineData("{# a", 1, "the comment has no end")]
    [InlineData("\n{{ 1 | frobnicate }}", 2, "there is no filter named 'frobnicate'")]
    [InlineData("{{ 1 is frobnicated }}", 1, "there is no test named 'frobnicated'")]
    [InlineData("{% break %}", 1, "'break' outside of a loop")]
    [InlineData("{% block a %}{% endblock %}", 1, "'block' is not supported")]
    [InlineData("{{ 99999999999999999999 }}", 1, "64 bits")]
    public void Compile_Fault_SaysWhereAndWhat(string template, int line, string fault)
    {
        var exception = Should.Throw<InvalidChatTemplateException>(() => ChatTemplate.Compile(template));

        exception.Line.ShouldBe(line);
        exception.Message.ShouldContain(fault);
    }

    [Theory]
    [InlineData("a\n{{ x.y }}", "line 2: 'x' is undefined")]
    [InlineData("{% set d = {} %}\n\n{{ d.a.b }}", "line 3: 'dict object' has no attribute 'a'")]
    [InlineData("{{ [1][5].a }}", "list object has no element 5")]
    [InlineData("{{ ''.__class__.x }}", "access to attribute '__class__' of 'str' object is unsafe")]
    [InlineData("{{ [].append(1) }}", "access to attribute 'append' of 'list' object is unsafe")]
    [InlineData("{{ 1 + 'a' }}", "unsupported operand type(s) for +: 'int' and 'str'")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "64 bits")]
    [InlineData("{{ 1() }}", "'int' object is not callable")]
    [InlineData("{% for a, b in [[1]] %}{% endfor %}", "not enough values to unpack (expected 2, got 1)")]
    [InlineData("{% import 'x' as y %}", "cannot load other templates")]
    [InlineData("{{ 'a' | random }}", "'random' is not supported")]
    public void Render_Fault_SaysWhereAndWhat(string template, string fault)
    {
        var exception = Should.Throw<ChatTemplateException>(() => RenderedTemplate.Of(template));

        exception.Message.ShouldContain(fault);
        exception.IsRaised.ShouldBeFalse();
    }

    [Fact]
    public void Render_RaiseException_IsTheTemplatesOwnMessage()
    {
        var exception = Should.Throw<ChatTemplateException>(() => RenderedTemplate.Of("{{ raise_exception('Roles must alternate') }}"));

        exception.Message.ShouldBe("Roles must alternate");
        exception.IsRaised.ShouldBeTrue();
    }

    [Fact]
    public void Render_Input_IsSeenAsVariables()
    {
        var template = ChatTemplate.Compile(
            "{{ messages[0].content }}{{ tools }}{{ documents }}{{ add_generation_prompt }}{{ extra }}{{ other is defined }}{{ strftime_now('%H') }}");

        template.Render(new ChatTemplateInput
        {
            Messages = Json("""[{"role": "user", "content": "hi"}]"""),
            AddGenerationPrompt = true,
            Variables = new Dictionary<string, JsonElement> { ["extra"] = Json("[1.0, null]"), ["tools"] = Json("1"), ["messages"] = Json("2") },
            Now = new DateTimeOffset(2026, 3, 5, 23, 0, 0, TimeSpan.FromHours(9)),
        }).ShouldBe("hiNoneNoneTrue[1.0, None]False23");
    }

    [Theory]
    [InlineData("[12345678901234567890123]", "[12345678901234567890123]")]
    [InlineData("[1e2, 1.50, -0.0, 1E400, 5e-324]", "[100.0, 1.5, -0.0, inf, 5e-324]")]
    [InlineData("""{"a": 1, "b": 2, "a": 3}""", "{'a': 3, 'b': 2}")]
    public void Render_JsonNumbersAndObjects_AreAsPythonReadsThem(string json, string expected) =>
        RenderedTemplate.Of("{{ x }}", $$"""{"x": {{json}}}""").ShouldBe(expected);

    [Fact]
    public void Render_HalfOfASurrogatePair_IsAFaultOfTheInput() =>
        Should.Throw<ChatTemplateException>(() => RenderedTemplate.Of("{{ x }}", """{"x": "\ud83d"}""")).Message.ShouldContain("Unicode");

    [Fact]
    public async Task Render_ByManyThreads_GivesEachItsOwn()
    {
        var template = ChatTemplate.Compile(
            "{% set ns = namespace(t='') %}{% macro m(x) %}<{{ x }}>{% endmacro %}{% for i in range(50) %}{% set ns.t = ns.t ~ m(x) %}{% endfor %}{{ ns.t }}");

        var texts = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() =>
            template.Render(new Dictionary<string, object> { ["x"] = (long)i }, RenderedTemplate.Now, TimeProvider.System))));

        for (var i = 0; i < texts.Length; i++) texts[i].ShouldBe(string.Concat(Enumerable.Repeat($"<{i}>", 50)));
    }

    private static JsonElement Json(string json) => JsonSerializer.Deserialize<JsonElement>(json);

    [Theory]
    [InlineData("9100000000000000000", "9.1e18")]
    [InlineData("10000000000000000000", "1e19")]
    [InlineData("-9223372036854775808", "-9.223372036854775808e18")]
    [InlineData("1", "1.0")]
    public void Render_IntegerAndFloatOfTheSameValue_AreTheSameKey(string integer, string number) => RenderedTemplate.Of(
        "{{ {a: 'x'}[b] }}{{ {b: 'y'}[a] }}", $"{{\"a\": {integer}, \"b\": {number}}}").ShouldBe("xy");
}
