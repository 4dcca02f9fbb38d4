using LoraServe.Text.Tokenizers;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers;

public class TokenizerFileTests
{
    [Theory]
    [InlineData("model", """{"type": "Unigram"}""", "model.type is \"Unigram\", expected BPE")]
    [InlineData("model", "{}", "model.vocab is missing")]
    [InlineData("model", """{"vocab": {"a": -1}, "merges": []}""", "model.vocab.a is -1, expected a whole number from 0 to 16777215")]
    [InlineData("model", """{"vocab": {"a": 99999999}, "merges": []}""", "model.vocab.a is 99999999")]
    [InlineData("model", """{"vocab": {"a": 0}, "merges": ["a b"]}""", "model.merges[0] is \"a b\", expected two tokens of the vocabulary")]
    [InlineData("model", """{"vocab": {"a": 0}, "merges": ["a a"]}""", "expected two tokens whose union is in the vocabulary")]
    [InlineData("model", """{"vocab": {"a": 0}, "merges": [], "dropout": 0.1}""", "model.dropout is 0.1, expected 0 or null")]
    [InlineData("model", """{"vocab": {"a": 0}, "merges": [], "unk_token": "?"}""", "model.unk_token is \"?\", expected a token of the vocabulary")]
    [InlineData("normalizer", """{"type": "Precompiled"}""", "normalizer.type is \"Precompiled\", expected Sequence, NFC")]
    [InlineData("normalizer", """{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "X"}]}""", "normalizer.normalizers[1].type is \"X\"")]
    [InlineData("pre_tokenizer", """{"type": "BertPreTokenizer"}""", "pre_tokenizer.type is")]
    [InlineData("pre_tokenizer", """{"type": "Split", "pattern": {"Regex": "(a)\\1"}, "behavior": "Isolated"}""",
        "pre_tokenizer.pattern.Regex cannot be used: the regular expression has \\1, which is not supported (at character 3)")]
    [InlineData("pre_tokenizer", """{"type": "Split", "pattern": {"String": "a"}, "behavior": "Kept"}""", "pre_tokenizer.behavior is \"Kept\", expected Removed")]
    [InlineData("pre_tokenizer", """{"type": "Metaspace", "replacement": "ab"}""", "pre_tokenizer.replacement is \"ab\", expected one character")]
    [InlineData("post_processor", """{"type": "TemplateProcessing", "single": [], "special_tokens": {}}""", "post_processor.single has to hold the sequence A exactly once")]
    [InlineData("decoder", """{"type": "CTC"}""", "decoder.type is \"CTC\", expected Sequence, ByteLevel")]
    [InlineData("added_tokens", """[{"id": 0, "content": "<s>"}]""", "added_tokens[0].single_word is missing")]
    [InlineData("added_tokens", "7", "added_tokens is 7, expected a list")]
    public void Load_FieldAtFault_NamesTheFieldAndWhatIsExpected(string field, string value, string message) =>
        Should.Throw<InvalidTokenizerException>(() => TokenizerJson.Of("a").With(field, value).Load()).Message.ShouldContain(message);

    [Fact]
    public void Load_SeveralFaults_NamesThemAllAndTheFile()
    {
        var json = TokenizerJson.Of("a").With("normalizer", """{"type": "X"}""").With("decoder", """{"type": "Y"}""").WithModel("type", "\"WordPiece\"");

        var message = Should.Throw<InvalidTokenizerException>(() => json.Load()).Message;

        message.ShouldContain(".json: model.type");
        message.ShouldContain("; normalizer.type");
        message.ShouldContain("; decoder.type");
    }

    [Fact]
    public void Load_Folder_ReadsItsTokenizerJson()
    {
        var folder = Directory.CreateTempSubdirectory("loraserve-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "tokenizer.json"), """{"model": {"vocab": {"a": 0}, "merges": []}}""");

            Tokenizer.Load(folder).Encode("a").ShouldBe([0]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"model\": ")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"model": {"vocab": {"\ud800": 0}, "merges": []}}""")]
    [InlineData("""{"model": {"vocab": {"a": 0}, "merges": ["\udc00 a"]}}""")]
    public void Load_NoTokenizerAtAll_SaysSo(string content)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.json");
        File.WriteAllText(path, content);
        try
        {
            Should.Throw<InvalidTokenizerException>(() => Tokenizer.Load(path)).Message.ShouldContain(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
