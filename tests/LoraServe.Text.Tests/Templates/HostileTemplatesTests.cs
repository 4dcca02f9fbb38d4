using System.Globalization;
using System.Text.Json;
using LoraServe.Text.Templates;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Templates;

/// <summary>
/// Templates that were written to crash or to block a server. They run on a thread of the pool, with its small stack, and with a clock that
/// stands still, so that the limit of steps alone has to end them.
/// </summary>
public class HostileTemplatesTests
{
    private const int Loops = 100_000;

    // For a test that fails rather than hangs: each takes a second or two.
    private static readonly TimeSpan Hang = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("{{ 1", "|d", " }}")]
    [InlineData("{{ 1|d", ".d", " }}")]
    [InlineData("{{ 1", "|d is d", " }}")]
    [InlineData("{{ 1", " is none", " }}")]
    [InlineData("{{ 1 is d", ".d", " }}")]
    [InlineData("{{ x", ".x", " }}")]
    [InlineData("{{ x", ".0", " }}")]
    [InlineData("{{ x", "[0]", " }}")]
    [InlineData("{{ x", "()", " }}")]
    [InlineData("{{ x", "()|d", " }}")]
    [InlineData("{{ 1", "+1", " }}")]
    [InlineData("{{ 1", "-1", " }}")]
    [InlineData("{{ 1", "*1", " }}")]
    [InlineData("{{ 1", "%2", " }}")]
    [InlineData("{{ 1", "//1", " }}")]
    [InlineData("{{ 1", "**1", " }}")]
    [InlineData("{{ 1", "~1", " }}")]
    [InlineData("{{ 1", "==1", " }}")]
    [InlineData("{{ 1", "<1", " }}")]
    [InlineData("{{ 1", " in 1", " }}")]
    [InlineData("{{ 0", " or 0", " }}")]
    [InlineData("{{ 1", " and 1", " }}")]
    [InlineData("{{ 1", " if 1", " }}")]
    [InlineData("{{ 1", " if 1 else 1", " }}")]
    [InlineData("{{ 'a'", "'a'", " }}")]
    [InlineData("{{ ", "not ", "1 }}")]
    [InlineData("{{ ", "- ", "1 }}")]
    [InlineData("{{ [", "1,", "] }}")]
    [InlineData("{{ {", "1:1,", "} }}")]
    [InlineData("{{ x[", "1,", "1] }}")]
    [InlineData("{{ dict(", "1,", "1) }}")]
    [InlineData("{% if 0 %}", "{% elif 0 %}", "{% endif %}")]
    [InlineData("{% filter d", "|d", " %}{% endfilter %}")]
    [InlineData("{% set x", "|d", " %}{% endset %}")]
    [InlineData("{% call x", "()", " %}{% endcall %}")]
    [InlineData("{% set ", "a,", " = 1 %}")]
    [InlineData("{% for ", "a,", " in [1] %}{% endfor %}")]
    [InlineData("{% with ", "a=1,", "a=1 %}{% endwith %}")]
    [InlineData("{% print ", "1,", "1 %}")]
    [InlineData("", "{% set a %}", "")]
    [InlineData("", "{% macro f(a) %}{% endmacro %}", "{{ f(1) }}")]
    public async Task Render_ALongChain_Ends(string begin, string link, string end)
    {
        const int MaxLength = 1 << 20;
        var links = Math.Min(300_000, (MaxLength - begin.Length - end.Length) / link.Length);

        await EndAsync(begin + Repeat(link, links) + end);
    }

    [Theory]
    [InlineData("ns.x | map('string')")]
    [InlineData("ns.x | map(attribute='real')")]
    [InlineData("ns.x | select")]
    [InlineData("ns.x | reject('none')")]
    [InlineData("ns.x | selectattr('real')")]
    [InlineData("ns.x | rejectattr('nothing')")]
    [InlineData("ns.x | unique")]
    [InlineData("[ns.x] | map('list')")]
    [InlineData("[ns.x | map('string')] | map('join') | select")]
    [InlineData("(ns.x,) | map('first')")]
    public async Task Render_GeneratorsWithinOneAnother_AreRefused(string expression)
    {
        var template = $"{{% set ns = namespace(x=[1]) %}}{{% for i in range({Loops}) %}}{{% set ns.x = {expression} %}}{{% endfor %}}{{{{ ns.x | list }}}}";

        (await EndAsync(template)).ShouldContain("nested");
    }

    [Theory]
    [InlineData("ns.x | reverse")]
    [InlineData("ns.x | batch(1)")]
    [InlineData("ns.x | slice(1)")]
    [InlineData("ns.x | list | map('string')")]
    public async Task Render_ListsWithinOneAnother_End(string expression) => await EndAsync(
        $"{{% set ns = namespace(x=[1]) %}}{{% for i in range({Loops}) %}}{{% set ns.x = {expression} %}}{{% endfor %}}{{{{ ns.x | list }}}}");

    // Each would take minutes to hours if the work was not counted.
    [Theory]
    [InlineData("", "'x'.strip(text)")]
    [InlineData("", "('ab' * 500000).strip('ab')")]
    [InlineData("", "text.istitle()")]
    [InlineData("", "text.isupper()")]
    [InlineData("", "text.islower()")]
    [InlineData("", "text.isidentifier()")]
    [InlineData("", "text is lower")]
    [InlineData("", "text is filter")]
    [InlineData("", "text.title() | length")]
    [InlineData("", "x | attr(text)")]
    [InlineData("{% set x = (1,) * 1000000 %}", "x in {1: 1}")]
    [InlineData("{% set x = (1,) * 1000000 %}{% set y = (1,) * 1000000 %}{% set z = {y: 1} %}", "z[x]")]
    [InlineData("{% set x = [1] * 1000000 %}{% set y = [1] * 1000000 %}", "x == y")]
    [InlineData("{% set x = [1] * 1000000 %}{% set y = [1] * 1000000 %}", "x < y")]
    [InlineData("{% set x = (text,) * 1000 %}", "(text ~ 'b').startswith(x)")]
    [InlineData("{% set x = ('%' ~ '0' * 300000 ~ 'd') %}", "x % 1")]
    [InlineData("", "big % 1", "%o")]
    [InlineData("{% set x = 'a1' * 200 %}", "x | int(0, 36)")]
    public async Task Render_CostlyWorkInALoop_IsEndedByALimit(string before, string expression, string? format = null)
    {
        if (format is not null) expression = $"'{format}' % big";
        var variables = new { text = new string('a', 1_000_000), x = new { }, big = JsonDocument.Parse("1" + new string('7', 4000)).RootElement };
        var template = $"{before}{{% for i in range(99999) %}}{{% for j in range(99999) %}}{{% set r = {expression} %}}{{% endfor %}}{{% endfor %}}";

        (await EndAsync(template, JsonSerializer.SerializeToElement(variables))).ShouldContain("more than the");
    }

    [Theory]
    [InlineData("{% set x = ''", "~''", " %}")]
    [InlineData("{% set x = 1", "==1", " %}")]
    [InlineData("{% if 0 %}", "{% elif 0 %}", "{% endif %}")]
    [InlineData("{% set x = [", "1,", "] %}")]
    [InlineData("{% with ", "a=1,", "a=1 %}{% endwith %}")]
    public async Task Render_LongStatementInALoop_IsEndedByALimit(string begin, string link, string end)
    {
        var statement = begin + Repeat(link, 900_000 / link.Length) + end;

        (await EndAsync($"{{% for i in range(99999) %}}{{% for j in range(99999) %}}{statement}{{% endfor %}}{{% endfor %}}")).ShouldContain("more than the");
    }

    [Fact]
    public async Task Render_ManyVariables_AreFoundAtOnce()
    {
        var names = Names(60_000);
        var template = string.Concat(names.Select(name => $"{{%set {name}=1%}}"))
            + $"{{% for i in range(99999) %}}{{% for j in range(99999) %}}{{% set r = {names[^1]} %}}{{% endfor %}}{{% endfor %}}";

        (await EndAsync(template)).ShouldContain("steps");
    }

    [Fact]
    public async Task Render_WithManyVariables_SetsThemAll()
    {
        var names = Names(100_000);

        (await EndAsync($"{{% with {string.Join(',', names.Select(name => $"{name}=1"))} %}}{{{{ {names[0]} + {names[^1]} }}}}{{% endwith %}}")).ShouldBe("2");
    }

    [Fact]
    public async Task Render_ManyNamedArguments_AreFoundAtOnce()
    {
        var arguments = string.Join(',', Names(60_000).Select(name => $"{name}=1"));

        (await EndAsync($"{{% macro f() %}}{{{{ kwargs | length }}}}{{% endmacro %}}{{{{ f({arguments}) }}}}")).ShouldBe("60000");
        (await EndAsync($"{{{{ ('{{aa}}' * 100000).format({arguments}) }}}}")).ShouldContain("steps");
    }

    [Theory]
    [InlineData("{{% macro f({0}) %}}{{% endmacro %}}", "parameters")]
    [InlineData("{{% call({0}) f() %}}{{% endcall %}}", "parameters")]
    public async Task Compile_ManyParameters_Refuses(string template, string message) =>
        (await EndAsync(string.Format(CultureInfo.InvariantCulture, template, string.Join(',', Names(100_000))))).ShouldContain(message);

    [Theory]
    [InlineData("{{ ", " }}")]
    [InlineData("{{ x.", " }}")]
    [InlineData("{{ x | ", " }}")]
    [InlineData("{% ", " %}")]
    public async Task Compile_LongName_Refuses(string begin, string end) =>
        (await EndAsync(begin + new string('a', 100_000) + end)).ShouldContain("a name may have at most");

    [Theory]
    [InlineData("above")]
    [InlineData("alike")]
    [InlineData("even")]
    public async Task Render_KeysThatWereChosenToCollide_AreFoundAtOnce(string kind)
    {
        var numbers = Enumerable.Range(1, 60_000).Select(i => kind switch
        {
            // Nearer to one another than two floats.
            "above" => $"1{i:00000000000000000000000000000}",
            // Both halves of the 64 bits are the same.
            "alike" => $"{((long)i << 32) + i}",
            _ => $"{(long)i << 40}",
        });
        var context = JsonSerializer.Deserialize<JsonElement>($"{{\"keys\": [{string.Join(',', numbers)}]}}");

        (await EndAsync("{{ {}.fromkeys(keys) | length }} {{ keys | unique | list | length }}", context)).ShouldBe("60000 60000");
    }

    [Fact]
    public async Task Render_KeysThatAreNotANumber_AreFoundAtOnce() =>
        (await EndAsync("{{ {}.fromkeys((['nan'] * 60000) | map('float') | list) | length }}")).ShouldBe("60000");

    [Fact]
    public void Render_ClockGoesOn_EndsAfterTwoSeconds()
    {
        var (slow, fast) = (new SteppingClock(TimeSpan.FromMilliseconds(500)), new SteppingClock(TimeSpan.FromTicks(1)));
        const string Template = "{% for i in range(99999) %}{% endfor %}";

        Should.Throw<ChatTemplateException>(() => RenderedTemplate.Of(Template, NoVariables, slow)).Message.ShouldContain("2 seconds");
        RenderedTemplate.Of(Template, NoVariables, fast).ShouldBe("");

        fast.Looks.ShouldBeGreaterThan(50);
        slow.Looks.ShouldBeLessThan(8);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}")]
    public void Render_Cancelled_Ends(string template) => Should.Throw<OperationCanceledException>(
        () => RenderedTemplate.Of(template, NoVariables, TimeProvider.System, new CancellationToken(canceled: true)));

    private static JsonElement NoVariables { get; } = JsonSerializer.SerializeToElement(new { });

    // The text, or what the exception says that is allowed.
    private static Task<string> EndAsync(string template, JsonElement? context = null)
    {
        return Task.Run(End).WaitAsync(Hang, TestContext.Current.CancellationToken);

        string End()
        {
            try
            {
                return RenderedTemplate.Of(template, context ?? NoVariables);
            }
            catch (Exception e) when (e is InvalidChatTemplateException or ChatTemplateException)
            {
                return e.Message;
            }
        }
    }

    // All different, of few characters.
    private static string[] Names(int count) => [.. Enumerable.Range(0, count).Select(i => $"a{i:x}")];

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    /// <summary>Goes on by a fixed time whenever it is looked at.</summary>
    private sealed class SteppingClock(TimeSpan step) : TimeProvider
    {
        public int Looks { get; private set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => step.Ticks * Looks++;
    }
}
