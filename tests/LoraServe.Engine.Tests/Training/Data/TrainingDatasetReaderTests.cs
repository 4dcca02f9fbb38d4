using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using LoraServe.Text.Templates;
using LoraServe.Text.Tokenizers;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Data;

public sealed class TrainingDatasetReaderTests : IDisposable
{
    private const int End = 2;
    private const string Valid = """{"prompt": "hello", "completion": " you"}""";

    private const string Call = """{"type": "function", "function": {"name": "f", "arguments": "{}"}}""";

    private const string EndedTurns =
        "{% for m in messages %}{{ '<s>' + m.role + ':' + m.content + '</s>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<s>assistant:' }}{% endif %}";

    private static readonly Tokenizer Tokenizer = Tokenizer.Load(GoldenData.Path("checkpoints", "llama-gqa", "tokenizer.json"));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_PromptAndCompletion_IsTheServedPromptThenWhatIsToBeSaid()
    {
        var data = Read($$"""
            {"prompt": "hello", "completion": " you"}
            {"completion": "b</s>", "prompt": "a"}
            """);

        var first = data.Examples[0];
        first.Line.ShouldBe(1);
        first.Tokens.ShouldBe([.. Tokenizer.Encode("hello"), .. Tokenizer.Encode(" you", addSpecialTokens: false), End]);
        first.Prompt.ShouldBe(Tokenizer.Encode("hello"));
        first.Completion.ShouldBe(" you");
        first.IsTarget.Count.ShouldBe(first.Tokens.Count);
        Targets(first).ShouldBe([.. Tokenizer.Encode(" you", addSpecialTokens: false), End]);
        data.Examples[1].Tokens.Count(token => token == End).ShouldBe(1);
        data.Examples[1].Completion.ShouldBe("b");
        data.Hash.ShouldBe(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(_folder.File("data.jsonl")))));
        data.Warnings.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(Valid + "\n" + Valid)]
    [InlineData(Valid + "\n" + Valid + "\n")]
    [InlineData("\uFEFF" + Valid + "\r\n" + Valid + "\r\n")]
    [InlineData("\n  \n" + Valid + "\r\n\t\r\n" + Valid + "\n\n\n")]
    public void Read_MarkLineEndsAndBlankLines_MeanNothing(string text)
    {
        var plain = Read(Valid + "\n" + Valid).Examples.Select(example => example.Tokens);

        Read(text).Examples.Select(example => example.Tokens).ShouldBe(plain);
    }

    [Fact]
    public void Read_LinesAcrossManyChunks_KeepTheirNumbers()
    {
        var lines = Enumerable.Range(0, 3000).Select(i => $$"""{"prompt": "{{new string('x', i % 97)}}y", "completion": "{{i}}"}""").ToList();
        lines[2500] = "{";

        Should.Throw<InvalidTrainingException>(() => Read(string.Join('\n', lines))).Faults.ShouldHaveSingleItem()
            .ShouldStartWith("data.jsonl, line 2501: not JSON");
        lines.RemoveAt(2500);
        Read(string.Join('\n', lines)).Examples.Select(example => example.Completion)
            .ShouldBe(Enumerable.Range(0, 3000).Where(i => i != 2500).Select(i => $"{i}"));
    }

    [Fact]
    public void Read_Conversation_LearnsTheTurnsOfWeightOneAndTheirEnds()
    {
        var data = Read(
            """
            {"messages": [{"role": "user", "content": "q1"}, {"role": "assistant", "content": "a1", "weight": 0}, {"role": "user", "content": "q2"}, {"role": "assistant", "content": "a2", "weight": 1}, {"role": "user", "content": "q3"}, {"role": "assistant", "content": [{"type": "text", "text": "a3"}]}]}
            """,
            EndedTurns);

        var example = data.Examples.ShouldHaveSingleItem();
        Tokenizer.Decode([.. example.Tokens]).ShouldBe(
            "<s>user:q1</s>\n<s>assistant:a1</s>\n<s>user:q2</s>\n<s>assistant:a2</s>\n<s>user:q3</s>\n<s>assistant:a3</s>\n");
        Tokenizer.Decode([.. Targets(example)]).ShouldBe("a2</s>a3</s>");
        Tokenizer.Decode([.. example.Prompt]).ShouldEndWith("<s>user:q3</s>\n<s>assistant:");
        example.Completion.ShouldBe("a3");
    }

    [Fact]
    public void Read_OneTurn_GivesThePromptThatIsServed()
    {
        var data = Read(
            """{"messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}""",
            EndedTurns);

        data.Examples[0].Prompt.ShouldBe(Tokenizer.Encode("<s>system:be brief</s>\n<s>user:q</s>\n<s>assistant:", addSpecialTokens: false));
    }

    [Fact]
    public void Read_TemplateWithoutAnEnd_GetsOneAfterTheLastTurn()
    {
        const string Open = "{% for m in messages %}{{ m.role + ':' + m.content + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}";

        var data = Read(
            """{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}]}""",
            Open);

        Tokenizer.Decode([.. Targets(data.Examples[0])]).ShouldBe("a\nb\n</s>");
        data.Examples[0].Completion.ShouldBe("b\n");
    }

    [Fact]
    public void Read_TemplateThatRewritesEarlierTurns_IsAFaultOfThatTurnAlone()
    {
        const string Rewriting =
            "{% for m in messages %}{{ '<s>' + m.role + ':' + ('(thinking)' if loop.last and m.role == 'assistant' else '') + m.content + '</s>' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<s>assistant:' }}{% endif %}";
        const string Turns = """{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"WEIGHT}, {"role": "user", "content": "r"}, {"role": "assistant", "content": "b"}]}""";

        Should.Throw<InvalidTrainingException>(() => Read(Turns.Replace("WEIGHT", ""), Rewriting)).Faults.ShouldHaveSingleItem()
            .ShouldStartWith("data.jsonl, line 1: messages[1]: the chat template writes this turn in another way");
        Tokenizer.Decode([.. Targets(Read(Turns.Replace("WEIGHT", ", \"weight\": 0"), Rewriting).Examples[0])]).ShouldBe("(thinking)b</s>");
    }

    [Fact]
    public void Read_Tools_AreShownToTheTemplate()
    {
        const string WithTools = "{% if tools %}{{ tools[0].function.name }}{% endif %}"
            + "{% for m in messages %}{{ '<s>' + m.role + ':' + m.content + (m.tool_calls | tojson if m.tool_calls else '') + '</s>\n' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<s>assistant:' }}{% endif %}";

        var data = Read(
            """{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]}], "tools": [{"type": "function", "function": {"name": "lookup"}}], "parallel_tool_calls": false}""",
            WithTools);

        Tokenizer.Decode([.. data.Examples[0].Prompt]).ShouldStartWith("lookup");
        Should.Throw<InvalidTrainingException>(() => Read(
            """{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "tools": [{"function": {"name": "f"}}]}""", EndedTurns))
            .Message.ShouldContain("tools: the model's chat template has no place for them");
    }

    [Theory]
    [InlineData("""{"role": "assistant", "content": null, "tool_calls": [CALL]}""", "messages[1].tool_calls: ")]
    [InlineData("""{"role": "assistant", "content": "a", "tool_calls": [CALL]}""", "messages[1].tool_calls: ")]
    [InlineData("""{"role": "assistant", "content": "a", "reasoning_content": "b"}""", "messages[1].reasoning_content: ")]
    [InlineData("""{"role": "assistant", "content": ""}""", "messages[1]: nothing to learn")]
    [InlineData("""{"role": "assistant", "content": [{"type": "text", "text": " "}]}""", "messages[1]: nothing to learn")]
    public void Read_TargetThatTheTemplateDrops_IsAFault(string turn, string fault)
    {
        var line = $$"""{"messages": [{"role": "user", "content": "q"}, {{turn.Replace("CALL", Call)}}]}""";

        Should.Throw<InvalidTrainingException>(() => Read(line)).Faults.ShouldHaveSingleItem().ShouldStartWith($"data.jsonl, line 1: {fault}");
    }

    [Fact]
    public void Read_DroppedTargetOfWeightZero_IsNoFault()
    {
        var line = $$"""{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null, "weight": 0, "tool_calls": [{{Call}}]}, {"role": "tool", "content": "r"}, {"role": "assistant", "content": "a"}]}""";

        Tokenizer.Decode([.. Targets(Read(line).Examples[0])]).ShouldBe("a</s>");
    }

    [Theory]
    [InlineData("{% for c in m.tool_calls %}{{ c.function.name }}{% endfor %}", null)]
    [InlineData("{{ m.tool_calls[0].function.name if m.tool_calls else '' }}", "messages[1].tool_calls[1]: ")]
    public void Read_SeveralCalls_AreFaultsWhereTheTemplateWritesTheFirstAlone(string calls, string? fault)
    {
        var template = $$$"""{% for m in messages %}{{ '<s>' + m.role + ':' + m.content }}{{{calls}}}{{ '</s>' }}{% endfor %}{% if add_generation_prompt %}{{ '<s>assistant:' }}{% endif %}""";
        var line = $$"""{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [{{Call}}, {{Call}}]}]}""";

        if (fault is null)
            Tokenizer.Decode([.. Targets(Read(line, template).Examples[0])]).ShouldBe("ff</s>");
        else
            Should.Throw<InvalidTrainingException>(() => Read(line, template)).Faults.ShouldHaveSingleItem().ShouldStartWith($"data.jsonl, line 1: {fault}");
    }

    [Fact]
    public void Read_CompletionOfTheEndAlone_IsAFault() =>
        Should.Throw<InvalidTrainingException>(() => Read("""{"prompt": "a", "completion": "</s>"}""")).Faults.ShouldHaveSingleItem()
            .ShouldContain("nothing but the token that ends it");

    [Fact]
    public void Read_TooLongExamples_AreFaultsOrLeftOutByName()
    {
        var text = $$"""
            {"prompt": "a", "completion": "b"}
            {"prompt": "a", "completion": "{{new string('b', 200)}}"}
            {"prompt": "a", "completion": "{{new string('b', 200_000)}}"}
            """;

        var fault = Should.Throw<InvalidTrainingException>(() => Read(text, maxLength: 30));
        fault.Faults.Count.ShouldBe(2);
        fault.Faults[0].ShouldMatch("^data.jsonl, line 2: [0-9]+ tokens, at most 30 tokens are allowed");
        fault.Faults[1].ShouldStartWith("data.jsonl, line 3: 200001 characters, at most 30 tokens");

        var data = Read(text, maxLength: 30, skipTooLong: true);
        data.Examples.ShouldHaveSingleItem();
        data.Warnings.Count.ShouldBe(2);
        data.Warnings[0].ShouldStartWith("data.jsonl, line 2: left out: ");
    }

    [Fact]
    public void Read_AllTooLongAndLeftOut_IsAFault() =>
        Should.Throw<InvalidTrainingException>(() => Read(Valid, maxLength: 2, skipTooLong: true)).Message
            .ShouldBe("data.jsonl: no example is left: all 1 are longer than 2 tokens");

    [Fact]
    public void Read_ManyBadLines_StopsAfterTheFirst()
    {
        var faults = Should.Throw<InvalidTrainingException>(() => Read(string.Concat(Enumerable.Repeat("{\n", 250)))).Faults;

        faults.Count.ShouldBe(20);
        faults[^1].ShouldStartWith("data.jsonl, line 20: ");
    }

    [Fact]
    public void Read_ManyLongLinesLeftOut_KeepsTheFirstWarnings()
    {
        var text = Valid + "\n" + string.Concat(Enumerable.Repeat($$"""{"prompt": "a", "completion": "{{new string('b', 200)}}"}""" + "\n", 250));

        var warnings = Read(text, maxLength: 30, skipTooLong: true).Warnings;

        warnings.Count.ShouldBe(21);
        warnings[^1].ShouldBe("data.jsonl: and 230 more examples left out");
    }

    [Fact]
    public void Read_LongLinesLeftOut_CountTowardsTheMostExamples()
    {
        var file = _folder.File("data.jsonl");
        File.WriteAllText(file, string.Concat(Enumerable.Repeat($$"""{"prompt": "a", "completion": "{{new string('b', 200)}}"}""" + "\n", 9)));

        Should.Throw<InvalidTrainingException>(() => Reader(EndedTurns, 30, skipTooLong: true, mostExamples: 3).Read(file)).Faults
            .ShouldHaveSingleItem().ShouldContain("line 4: more than 3 examples");
    }

    [Theory]
    [InlineData(40, 1, "40 turns are learnt, too long for 30 tokens")]
    [InlineData(25, 4_000_000, "too long for 30 tokens")]
    public void Read_MoreToRenderThanAnExampleHolds_IsRefusedBeforeItIsRendered(int turns, int characters, string fault)
    {
        var messages = Enumerable.Repeat("""{"role": "assistant", "content": "a"}""", turns);
        var text = $$"""{"messages": [{"role": "user", "content": "{{new string('q', characters)}}"}, {{string.Join(", ", messages)}}]}""";

        Should.Throw<InvalidTrainingException>(() => Read(text, maxLength: 30)).Faults.ShouldHaveSingleItem().ShouldContain(fault);
    }

    [Fact]
    public void Read_ManyTurnsOfALongText_IsRefusedBeforeItIsRendered()
    {
        var messages = Enumerable.Repeat("""{"role": "assistant", "content": "a"}""", 20_000);
        var text = $$"""{"messages": [{"role": "user", "content": "{{new string('q', 1_000_000)}}"}, {{string.Join(", ", messages)}}]}""";

        Should.Throw<InvalidTrainingException>(() => Read(text, maxLength: 1 << 20)).Faults.ShouldHaveSingleItem()
            .ShouldContain("20000 turns to learn in ");
    }

    [Theory]
    [InlineData("""{"prompt": "\ud800", "completion": "a"}""")]
    [InlineData("""{"prompt": "a", "completion": "a", "\ud800": 1}""")]
    [InlineData("""{"messages": [{"role": "user", "content": "\udc00"}, {"role": "assistant", "content": "a"}]}""")]
    public void Read_HalfOfASurrogatePair_IsAFault(string line) =>
        Should.Throw<InvalidTrainingException>(() => Read(line)).Faults.ShouldHaveSingleItem().ShouldContain("half of a surrogate pair");

    [Fact]
    public void Read_HalfOfASurrogatePairInArguments_IsAFault() => Should.Throw<InvalidTrainingException>(() => Read(
        """{"messages": [{"role": "assistant", "content": "a", "tool_calls": [{"function": {"name": "f", "arguments": "{\"x\": \"\\ud800\"}"}}]}]}"""))
        .Faults.ShouldHaveSingleItem().ShouldContain("the text of a JSON object");

    [Fact]
    public void Read_LineBeyondTheLimit_IsAFaultOfThatLine()
    {
        var text = $"{Valid}\n{new string('x', (2 * JsonLines.MostLineBytes) + 5)}\n{Valid}\n{{";

        var faults = Should.Throw<InvalidTrainingException>(() => Read(text)).Faults;

        faults.Count.ShouldBe(2);
        faults[0].ShouldStartWith("data.jsonl, line 2: more than 8388608 bytes");
        faults[1].ShouldStartWith("data.jsonl, line 4: not JSON");
    }

    [Theory]
    [InlineData(3, 1000, "line 4: more than 3 examples or 1000 tokens up to here")]
    [InlineData(1000, 60, "more than 1000 examples or 60 tokens up to here")]
    public void Read_MoreThanFitsIntoMemory_IsRefused(int mostExamples, int mostTokens, string fault)
    {
        var file = _folder.File("data.jsonl");
        File.WriteAllText(file, string.Concat(Enumerable.Repeat(Valid + "\n", 100)));
        var reader = Reader(EndedTurns, 64, skipTooLong: false, mostExamples, mostTokens);

        Should.Throw<InvalidTrainingException>(() => reader.Read(file)).Faults.ShouldHaveSingleItem().ShouldContain(fault);
    }

    [Fact]
    public void Read_FileBeyondTheLimit_IsRefusedUnread()
    {
        using (var file = File.Create(_folder.File("data.jsonl"))) file.SetLength(JsonLines.MostFileBytes + 1);

        Should.Throw<InvalidTrainingException>(() => Reader(EndedTurns, 64, skipTooLong: false).Read(_folder.File("data.jsonl"))).Message
            .ShouldBe("data.jsonl: more than 512 MiB: split the file");
    }

    [Fact]
    public void Read_Utf16_SaysSo()
    {
        File.WriteAllText(_folder.File("data.jsonl"), Valid, Encoding.Unicode);

        Should.Throw<InvalidTrainingException>(() => Reader(EndedTurns, 64, skipTooLong: false).Read(_folder.File("data.jsonl"))).Faults.ShouldHaveSingleItem()
            .ShouldBe("data.jsonl: UTF-16: save the file as UTF-8");
    }

    [Fact]
    public void Read_AbsentFileOrFolder_IsAnIOException()
    {
        Should.Throw<IOException>(() => Reader(EndedTurns, 64, skipTooLong: false).Read(_folder.File("absent")));
        Should.Throw<IOException>(() => Reader(EndedTurns, 64, skipTooLong: false).Read(_folder.Path));
    }

    [Property(MaxTest = 300)]
    public void Read_AnyBytes_IsADataSetOrAFault(byte[] bytes) => ReadOrRefuse(bytes);

    [Property(MaxTest = 500)]
    public void Read_AlteredLines_AreADataSetOrAFault(PositiveInt which, PositiveInt at, byte value, bool cuts)
    {
        string[] lines =
        [
            Valid,
            """{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 1, "tool_calls": [{"function": {"name": "f", "arguments": "{\"x\": [1]}"}}]}], "tools": []}""",
            """{"messages": [{"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "\ud83d\ude00"}]}, {"role": "assistant", "content": "a"}]}""",
        ];
        var bytes = Encoding.UTF8.GetBytes(lines[which.Get % lines.Length] + "\n" + Valid);
        var place = at.Get * 31 % bytes.Length;
        bytes[place] = value;
        ReadOrRefuse(cuts ? bytes[..place] : bytes);
    }

    private void ReadOrRefuse(byte[] bytes)
    {
        var file = _folder.File("data.jsonl");
        File.WriteAllBytes(file, bytes);
        try
        {
            Reader(EndedTurns, 64, skipTooLong: false).Read(file).Examples.ShouldNotBeEmpty();
        }
        catch (InvalidTrainingException e)
        {
            e.Faults.ShouldNotBeEmpty();
            e.Faults.ShouldAllBe(fault => fault.StartsWith("data.jsonl", StringComparison.Ordinal) && fault.Length < 1000);
        }
    }

    private TrainingDataset Read(string text, string template = EndedTurns, int maxLength = 256, bool skipTooLong = false)
    {
        var file = _folder.File("data.jsonl");
        File.WriteAllText(file, text);
        return Reader(template, maxLength, skipTooLong).Read(file);
    }

    private TrainingDatasetReader Reader(
        string template, int maxLength, bool skipTooLong, int mostExamples = 1000_000, long mostTokens = 1000_000)
    {
        File.WriteAllText(_folder.File("chat_template.jinja"), template);
        var model = new ModelText
        {
            Tokenizer = Tokenizer,
            Templates = ChatTemplates.Load(_folder.Path),
            EndTokens = [End],
            VocabularySize = 320,
            MaxSequenceLength = maxLength,
        };
        return new TrainingDatasetReader(model, skipTooLong) { MostExamples = mostExamples, MostTokens = mostTokens };
    }

    private static List<int> Targets(TrainingExample example) =>
        [.. example.Tokens.Where((_, i) => example.IsTarget[i])];
}
