using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using LoraServe.Text.Templates;
using LoraServe.Text.Tokenizers;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Data;

/// <summary>The data of the demo adapters, with the tokenizer and the template of the demo model.</summary>
public sealed class DemoDataTests : IDisposable
{
    private const int EndOfText = 0;
    private const int EndOfTurn = 4;

    private static readonly string Demo = GoldenData.Path("..", "..", "..", "src", "LoraServe", "Demo");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_CallsThatTheDemosTemplateDrops_AreFaultsOfEveryLine()
    {
        var file = GoldenData.Path("cases", "train-tool-calls-dropped", "train.jsonl");

        var faults = Should.Throw<InvalidTrainingException>(() => new TrainingDatasetReader(Model(), skipTooLong: false).Read(file)).Faults;

        faults.Count.ShouldBe(File.ReadLines(file).Count());
        faults.Select((fault, i) => (fault, i + 1))
            .ShouldAllBe(item => item.fault.StartsWith($"train.jsonl, line {item.Item2}: messages[1].tool_calls: the model's chat template does not write"));
    }

    [Theory]
    [InlineData("sql.train", 4000)]
    [InlineData("summarize.valid", 200)]
    [InlineData("extract.valid", 200)]
    [InlineData("sentiment.valid", 200)]
    public void Read_DemoData_IsWholeAndEndsOnce(string name, int count)
    {
        var model = Model();

        var data = new TrainingDatasetReader(model, skipTooLong: false).Read(Path.Combine(Demo, "data", $"{name}.jsonl"));

        data.Examples.Count.ShouldBe(count);
        foreach (var example in data.Examples)
        {
            // Some prompts are in chat format, and end with the end-of-turn token.
            var isTurn = model.Tokenizer.Decode([.. example.Prompt]).EndsWith("<|assistant|>", StringComparison.Ordinal);
            example.Tokens[^1].ShouldBe(isTurn ? EndOfTurn : EndOfText);
            model.Tokenizer.Decode([.. example.Tokens.Skip(example.Prompt.Count)])
                .ShouldBe(example.Completion + (isTurn ? "<|end|>" : "<|endoftext|>"));
        }
    }

    [Fact]
    public void Read_Conversation_EndsWithTheEndOfTheTurn()
    {
        var file = _folder.File("chat.jsonl");
        File.WriteAllText(
            file, """{"messages": [{"role": "user", "content": "Count all orders."}, {"role": "assistant", "content": "SELECT COUNT(*) FROM orders;"}]}""");
        var model = Model();

        var example = new TrainingDatasetReader(model, skipTooLong: false).Read(file).Examples.ShouldHaveSingleItem();

        model.Tokenizer.Decode([.. example.Tokens]).ShouldBe("<|user|>Count all orders.<|end|><|assistant|>SELECT COUNT(*) FROM orders;<|end|>");
        example.Tokens[^1].ShouldBe(EndOfTurn);
        example.Prompt.ShouldBe(model.Tokenizer.Encode("<|user|>Count all orders.<|end|><|assistant|>"));
        example.Completion.ShouldBe("SELECT COUNT(*) FROM orders;");
    }

    private static ModelText Model() => new()
    {
        Tokenizer = Tokenizer.Load(Path.Combine(Demo, "base", "tokenizer.json")),
        Templates = ChatTemplates.Load(Path.Combine(Demo, "base")),
        EndTokens = [EndOfText, EndOfTurn],
        VocabularySize = 3072,
        MaxSequenceLength = 1024,
    };
}
