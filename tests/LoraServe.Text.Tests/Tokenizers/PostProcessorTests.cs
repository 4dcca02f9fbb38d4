using LoraServe.Text.Tokenizers;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers;

public class PostProcessorTests
{
    private const string Template = """
        {"type": "TemplateProcessing", "special_tokens": {"<s>": {"id": "<s>", "ids": [7, 8]}, "</s>": {"id": "</s>", "ids": [9]}},
         "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}]}
        """;

    [Theory]
    [InlineData("""{"type": "ByteLevel"}""", new int[0], new int[0])]
    [InlineData(Template, new[] { 7, 8 }, new[] { 9 })]
    [InlineData("""{"type": "RobertaProcessing", "cls": ["<s>", 1], "sep": ["</s>", 2]}""", new[] { 1 }, new[] { 2 })]
    [InlineData("""{"type": "Sequence", "processors": [{"type": "BertProcessing", "cls": ["<s>", 1], "sep": ["</s>", 2]}, """ + Template + "]}",
        new[] { 7, 8, 1 }, new[] { 2, 9 })]
    public void Read_EveryKind_PutsItsTokensAround(string json, int[] prefix, int[] suffix)
    {
        var processor = PostProcessor.Read(TokenizerJson.Field(json));

        processor.Prefix.ShouldBe(prefix);
        processor.Suffix.ShouldBe(suffix);
    }
}
