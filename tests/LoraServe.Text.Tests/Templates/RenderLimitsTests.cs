using System.Text.Json;
using LoraServe.Text.Templates;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Templates;

/// <summary>Whatever a template does, it ends soon and takes little memory.</summary>
public class RenderLimitsTests
{
    [Theory]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps")]
    [InlineData("{{ 'a' * 1000000000 }}", "characters")]
    [InlineData("{{ 'ab' * 9223372036854775807 }}", "characters")]
    [InlineData("{{ [1] * 1000000000 }}", "items")]
    [InlineData("{{ range(1000000000) }}", "numbers")]
    [InlineData("{{ 'x' | center(1000000000) }}", "characters")]
    [InlineData("{{ '%1000000000d' % 1 }}", "width")]
    [InlineData("{{ 'x'.ljust(1000000000) }}", "characters")]
    [InlineData("{{ 'a\tb'.expandtabs(1000000000) }}", "characters")]
    [InlineData("{{ 'x' | indent(1000000000, true) }}", "characters")]
    [InlineData("{{ [1] | batch(1000000000, 0) | list }}", "items")]
    [InlineData("{{ [1] | slice(1000000000) | list }}", "items")]
    [InlineData("{% set ns = namespace(a='aa') %}{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}", "characters")]
    [InlineData("{% set ns = namespace(a='aa') %}{% for i in range(60) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}", "characters")]
    [InlineData("{% set ns = namespace(a='aa') %}{% for i in range(60) %}{% set ns.a = ns.a.replace('a', 'aaaa') %}{% endfor %}", "")]
    [InlineData("{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}", "items")]
    [InlineData("{% set ns = namespace(a=[]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}", "")]
    [InlineData("{% set ns = namespace(a=[]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a | tojson }}", "")]
    [InlineData("{% set ns = namespace(a=()) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {ns.a: 1} }}", "steps")]
    [InlineData("{% set ns = namespace(a=()) %}{% for i in range(5000) %}{% set ns.a = (ns.a,) %}{% endfor %}{{ {ns.a: 1} }}", "nested")]
    [InlineData("{% set ns = namespace(a=[], b=[]) %}{% for i in range(5000) %}{% set ns.a = [ns.a] %}{% set ns.b = [ns.b] %}{% endfor %}{{ ns.a == ns.b }}", "nested")]
    [InlineData("{% set ns = namespace(a=[]) %}{% for i in range(5000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}", "nested")]
    [InlineData("{% set ns = namespace(a=[]) %}{% for i in range(5000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a | tojson }}", "nested")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "within one another")]
    [InlineData("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", "within one another")]
    [InlineData("{% macro f() %}{{ caller() }}{% endmacro %}{% macro g(n) %}{% call f() %}{{ g(n + 1) }}{% endcall %}{% endmacro %}{{ g(0) }}", "within one another")]
    [InlineData("{% for i in range(99999) %}0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890{% endfor %}", "characters")]
    public void Render_BeyondALimit_Ends(string template, string limit) =>
        Should.Throw<ChatTemplateException>(() => RenderedTemplate.Of(template)).Message.ShouldContain(limit);

    [Theory]
    [InlineData("{{ ", "(", "1", ")", " }}")]
    [InlineData("{{ ", "[", "1", "]", " }}")]
    [InlineData("{{ ", "not ", "1", "", " }}")]
    [InlineData("{{ ", "-", "1", "", " }}")]
    [InlineData("{{ ", "{1: ", "1", "}", " }}")]
    [InlineData("{{ ", "1 if 1 else ", "1", "", " }}")]
    [InlineData("{{ ", "f(", "1", ")", " }}")]
    [InlineData("{{ ", "x[", "1", "]", " }}")]
    [InlineData("", "{% if 1 %}", "1", "{% endif %}", "")]
    [InlineData("", "{% for i in x %}", "1", "{% endfor %}", "")]
    [InlineData("{% set ", "(", "a", ",)", " = 1 %}")]
    public void Compile_TooDeep_Refuses(string begin, string open, string middle, string close, string end)
    {
        var template = begin + Repeat(open, 20_000) + middle + Repeat(close, 20_000) + end;

        Should.Throw<InvalidChatTemplateException>(() => ChatTemplate.Compile(template)).Message.ShouldContain("nested");
    }

    [Fact]
    public void Compile_TooLong_Refuses() =>
        Should.Throw<InvalidChatTemplateException>(() => ChatTemplate.Compile(new string('a', (1 << 20) + 1))).Message.ShouldContain("characters");

    [Theory]
    [InlineData("{% ")]
    [InlineData("{# ")]
    [InlineData("{{ ' ")]
    [InlineData("{% raw %}{% ")]
    [InlineData("{%")]
    [InlineData("a {%- raw ")]
    [InlineData("{{ x }}\n    ")]
    [InlineData("{% if x %}{% endif %}   ")]
    [InlineData("{{ 'a' 'a' }} ")]
    public void Compile_ManyOfThem_TakesTimeInProportion(string piece)
    {
        // A quadratic reader would take minutes.
        try
        {
            ChatTemplate.Compile(Repeat(piece, (1 << 20) / piece.Length));
        }
        catch (InvalidChatTemplateException e)
        {
            e.Message.ShouldNotBeEmpty();
        }
    }

    [Theory]
    [InlineData("{{ needle in text }}", "False")]
    [InlineData("{{ text.find(needle) }}", "-1")]
    [InlineData("{{ text.rfind(needle) }}", "-1")]
    [InlineData("{{ text.replace(needle, '') == text }}", "True")]
    [InlineData("{{ text.split(needle) | length }}", "1")]
    [InlineData("{{ text.count(needle) }}", "0")]
    public void Render_SearchThatAlmostSucceedsEverywhere_TakesTimeInProportion(string template, string expected)
    {
        // The product of the lengths is 10^12.
        var context = JsonSerializer.SerializeToElement(new { text = new string('a', 2_000_000), needle = new string('a', 500_000) + "b" });

        RenderedTemplate.Of(template, context).ShouldBe(expected);
    }

    [Fact]
    public void Render_ALongConversation_StaysWithinTheLimits()
    {
        var messages = Enumerable.Range(0, 2000).Select(i => new { role = i % 2 == 0 ? "user" : "assistant", content = new string('x', 1000) });

        RenderedTemplate.Of(
            "{% for m in messages %}{{ '<' + m['role'] + '>' + m['content'] | trim + '<end>' }}{% endfor %}",
            JsonSerializer.SerializeToElement(new { messages })).Length.ShouldBe(2000 * 1000 + 1000 * ("<user><end>".Length + "<assistant><end>".Length));
    }

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));
}
