using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Api.Chat.Tools;

namespace LoraServe.Tests.Api.Chat.Tools;

public class ToolCallParserTests
{
    private static readonly string[] Pieces =
    [
        "<tool_call>", "</tool_call>", "<tool_", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<|python_tag|>", "{", "}", "[", "]", "\"", "\\", ",", ":",
        ";", " ", "\n", "Hi", "é😀", "sum", """{"name": "sum", "arguments": {"a": 1}}""", """{"name":"sum","parameters":{"s":"}\"{"}}""",
        """{"name": "other", "parameters": {}}""", """{"city": "Paris"}""", """[{"name": "sum", "arguments": {}, "id": "abc"}]""",
        """{"name": "sum", "arguments": "{\"a\": [1]}"}""", """{"name": "sum"}""", """{"name": 1, "arguments": {}}""", """{"name": "\ud800"}""",
        """sum[ARGS]{"a": 2}""", """sum[CALL_ID]xyz[ARGS]{}""", """<tool_call>{"name": "sum", "arguments": {"a":1}}</tool_call>""",
    ];

    [Theory]
    [InlineData("hermes", """<tool_call>{"name": "sum", "arguments": {"a": 1}}</tool_call>""", "", """sum {"a": 1}""")]
    [InlineData("hermes", "Let me see.\n<tool_call>\n{\"name\": \"sum\", \"arguments\": {\"s\": \"</tool_call> }\"}}\n</tool_call>\n", "Let me see.\n", """sum {"s": "</tool_call> }"}""")]
    [InlineData("hermes", """<tool_call>{"name": "a"}</tool_call> <tool_call>{"name": "b", "arguments": null}</tool_call>""", "", "a {}|b {}")]
    [InlineData("hermes", """<tool_call>{"name": "a", "arguments": "{\"x\": 1}"}""", "", """a {"x": 1}""")]
    [InlineData("hermes", """<tool_call>{"name": "a", "arguments": {}}</tool_""", "", "a {}")]
    [InlineData("hermes", """{"name": "sum", "arguments": {}}""", """{"name": "sum", "arguments": {}}""", "")]
    [InlineData("hermes", "<tool_call>{'name': 'a'}</tool_call>", "<tool_call>{'name': 'a'}</tool_call>", "")]
    [InlineData("hermes", """<tool_call>{"name": "a", "arguments": {"x": }}</tool_call>!""", """<tool_call>{"name": "a", "arguments": {"x": }}</tool_call>!""", "")]
    [InlineData("hermes", """<tool_call>{"name": "a", "arg""", """<tool_call>{"name": "a", "arg""", "")]
    [InlineData("hermes", """<tool_call>oh <tool_call>{"name": "a"}</tool_call>""", "<tool_call>oh ", "a {}")]
    [InlineData("hermes", "a <tool_ b <tool", "a <tool_ b <tool", "")]
    [InlineData("hermes", "\n", "\n", "")]
    [InlineData("llama", """{"name": "sum", "parameters": {"a": 1}}""", "", """sum {"a": 1}""")]
    [InlineData("llama", """ {"type": "function", "name": "sum", "parameters": {}}; {"name": "sum", "arguments": {"b": 2}};""", "", """sum {}|sum {"b": 2}""")]
    [InlineData("llama", """<|python_tag|>{"name": "other", "parameters": {}}""", "", "other {}")]
    [InlineData("llama", """{"name": "other", "parameters": {}}""", """{"name": "other", "parameters": {}}""", "")]
    [InlineData("llama", """{"name": "sum", "order": "12"}""", """{"name": "sum", "order": "12"}""", "")]
    [InlineData("llama", """{"name": "sum", "parameters": {}}; {no""", "; {no", "sum {}")]
    [InlineData("llama", """See {"name": "sum", "parameters": {}}""", """See {"name": "sum", "parameters": {}}""", "")]
    [InlineData("llama", """<|python_tag|>brave_search.call(query="x")""", """<|python_tag|>brave_search.call(query="x")""", "")]
    [InlineData("mistral", """[TOOL_CALLS] [{"name": "a", "arguments": {"x": [1]}, "id": "123456789"}, {"name": "b", "arguments": {}}]""", "", """a {"x": [1]}|b {}""")]
    [InlineData("mistral", """Sure.[TOOL_CALLS]get_it{"x": 1}[TOOL_CALLS]sum[ARGS]{"y": 2}""", "Sure.", """get_it {"x": 1}|sum {"y": 2}""")]
    [InlineData("mistral", """[TOOL_CALLS]sum[CALL_ID]abc[ARGS]{}""", "", "sum {}")]
    [InlineData("mistral", """[TOOL_CALLS][{"name": "a"}, 7]""", """[TOOL_CALLS][{"name": "a"}, 7]""", "")]
    [InlineData("mistral", "[TOOL_CALLS]", "[TOOL_CALLS]", "")]
    public void Append_WholeText_GivesContentAndCalls(string format, string text, string content, string calls)
    {
        var (foundContent, found) = Parse(Parser(format), [text]);

        foundContent.ShouldBe(content);
        string.Join('|', found.Select(call => $"{call.Name} {call.Arguments}")).ShouldBe(calls);
    }

    [Fact]
    public void Append_IdsOfTheModel_AreKept() => Parse(
            Parser("mistral"), ["""[TOOL_CALLS][{"name": "a", "arguments": {}, "id": "123456789"}][TOOL_CALLS]b[CALL_ID]xyz[ARGS]{}[TOOL_CALLS]c{}"""])
        .Calls.Select(call => call.Id).ShouldBe(["123456789", "xyz", "id1"]);

    [Fact]
    public void Append_NotParallel_KeepsTheFirstCall()
    {
        var (content, calls) = Parse(
            Parser("hermes", isParallel: false), ["""<tool_call>{"name": "a"}</tool_call><tool_call>{"name": "b"}</tool_call>"""]);

        content.ShouldBe("");
        calls.ShouldHaveSingleItem().Name.ShouldBe("a");
    }

    [Fact]
    public void Append_TextThatIsNoCall_IsReleasedAsSoonAsThatIsCertain()
    {
        var parser = Parser("llama");

        parser.Append("""{"na""").Content.ShouldBe("");
        parser.Append("""tion": "F""").Content.ShouldBe("""{"nation": "F""");
        parser.Append("r").Content.ShouldBe("r");
        var hermes = Parser("hermes");
        hermes.Append("a <tool").Content.ShouldBe("a ");
        hermes.Append("box> b").Content.ShouldBe("<toolbox> b");
    }

    [Fact]
    public void Append_CompleteCall_IsGivenBeforeItsEndMarker()
    {
        var parser = Parser("hermes");

        parser.Append("<tool_call>{\"name\": \"a\", \"arguments\": {}").ToolCalls.ShouldBeEmpty();
        parser.Append("}").ToolCalls.ShouldHaveSingleItem().Name.ShouldBe("a");
        parser.Append("\n</tool_").Content.ShouldBe("");
        parser.Append("call>").Content.ShouldBe("");
        parser.Flush().Content.ShouldBe("");
    }

    [Fact]
    public void Append_CallLongerThanTheLimit_IsContent()
    {
        var text = "<tool_call>{\"name\": \"a\", \"arguments\": {\"s\": \"" + new string('x', ToolCallParser.MaxCallLength) + "\"}}</tool_call>";

        Parse(Parser("hermes"), [text]).Content.ShouldBe(text);
        Parse(Parser("hermes"), text.Chunk(4096).Select(chunk => new string(chunk))).Content.ShouldBe(text);
    }

    [Fact]
    public void Append_ManyMalformedCalls_StaysFastAndLosesNothing()
    {
        var text = string.Concat(Enumerable.Repeat("<tool_call>{\"name\":", 10_000));

        Parse(Parser("hermes"), text.Chunk(7).Select(chunk => new string(chunk))).Content.ShouldBe(text);
    }

    [Theory]
    [InlineData("hermes", "<tool_call>{0}")]
    [InlineData("hermes", "<tool_call>{{{0}\"name\": \"sum\"}}</tool_call>")]
    [InlineData("llama", "<|python_tag|>{0}")]
    [InlineData("llama", "{{{0}")]
    [InlineData("mistral", "[TOOL_CALLS]{0}")]
    [InlineData("mistral", "[TOOL_CALLS]sum{0}[ARGS]{{}}")]
    public void Append_EndlessWhiteSpaceInACall_IsContentSoon(string format, string text)
    {
        var parser = Parser(format);

        var found = Parse(parser, string.Format(null, text, new string(' ', 5000)).Select(c => c.ToString()));
        found.Content.ShouldBe(string.Format(null, text, new string(' ', 5000)));
        found.Calls.ShouldBeEmpty();
        var early = Parser(format);
        var begin = text[..text.IndexOf("{0}", StringComparison.Ordinal)].Replace("{{", "{");
        (early.Append(begin).Content + early.Append(new string(' ', 1100)).Content).ShouldStartWith(begin);
    }

    [Fact]
    public void Append_EndlessIdOfACall_IsContentSoon()
    {
        var parser = Parser("mistral");

        (parser.Append("[TOOL_CALLS]sum[CALL_ID]").Content + parser.Append(new string('x', 1000)).Content).ShouldStartWith("[TOOL_CALLS]sum");
    }

    [Property(MaxTest = 3000)]
    public Property Append_AnyCuts_GiveTheSameMessage()
    {
        var cases = from format in Gen.Elements("hermes", "llama", "mistral")
                    from pieces in Gen.Elements(Pieces).ListOf()
                    from cuts in Gen.Choose(0, 9).ListOf()
                    from parallel in Gen.Elements(true, false)
                    select (format, text: string.Concat(pieces), cuts, parallel);
        return Prop.ForAll(cases.ToArbitrary(), @case =>
        {
            var (format, text, cuts, parallel) = @case;
            var whole = Parse(Parser(format, parallel), [text]);
            var cut = Parse(Parser(format, parallel), Cut(text, cuts));
            return whole.Content == cut.Content && whole.Calls.SequenceEqual(cut.Calls)
                && (whole.Calls.Count > 0 || whole.Content == text)
                && whole.Calls.TrueForAll(call => JsonSerializer.Deserialize<JsonElement>(call.Arguments).ValueKind == JsonValueKind.Object);
        });
    }

    private static IEnumerable<string> Cut(string text, IEnumerable<int> lengths)
    {
        var at = 0;
        foreach (var length in lengths)
        {
            var end = Math.Min(at + length, text.Length);
            yield return text[at..end];
            at = end;
        }

        // One character at a time: every border that there is.
        for (; at < text.Length; at++) yield return text[at..(at + 1)];
    }

    private static (string Content, List<ToolCall> Calls) Parse(ToolCallParser parser, IEnumerable<string> pieces)
    {
        var deltas = pieces.Select(parser.Append).ToList();
        deltas.Add(parser.Flush());
        return (string.Concat(deltas.Select(delta => delta.Content)), [.. deltas.SelectMany(delta => delta.ToolCalls)]);
    }

    private static ToolCallParser Parser(string format, bool isParallel = true)
    {
        var count = 0;
        var settings = new ToolCallSettings
        {
            ToolNames = new HashSet<string> { "sum" },
            IsParallel = isParallel,
            NewId = () => $"id{++count}",
        };
        return new ToolCallParser(format switch
        {
            "hermes" => new HermesNotation(settings),
            "llama" => new Llama3Notation(settings),
            _ => new MistralNotation(settings),
        });
    }
}
