using LoraServe.Text.Tokenizers.PreTokenization;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers.PreTokenization;

public class PreTokenizerTests
{
    [Theory]
    [InlineData("Removed", false, "a", "b", "c")]
    [InlineData("Removed", true, "-", "-", "-")]
    [InlineData("Isolated", false, "a", "-", "-", "b", "-", "c")]
    [InlineData("MergedWithPrevious", false, "a-", "-", "b-", "c")]
    [InlineData("MergedWithPrevious", true, "a", "-", "-b", "-c")]
    [InlineData("MergedWithNext", false, "a", "-", "-b", "-c")]
    [InlineData("MergedWithNext", true, "a-", "-", "b-", "c")]
    [InlineData("Contiguous", false, "a", "--", "b", "-", "c")]
    public void Split_EveryBehavior_TreatsTheMatchesAsItSays(string behavior, bool invert, params string[] pieces) =>
        Split($$"""{"type": "Split", "pattern": {"String": "-"}, "behavior": "{{behavior}}", "invert": {{(invert ? "true" : "false")}}}""", "a--b-c")
            .ShouldBe(pieces);

    [Theory]
    [InlineData("""{"type": "Digits", "individual_digits": true}""", "a12½", "a", "1", "2", "½")]
    [InlineData("""{"type": "Digits", "individual_digits": false}""", "a12½", "a", "12½")]
    [InlineData("""{"type": "Punctuation"}""", "a,$b。", "a", ",", "$", "b", "。")]
    [InlineData("""{"type": "Punctuation", "behavior": "Contiguous"}""", "a,$b", "a", ",$", "b")]
    [InlineData("""{"type": "Whitespace"}""", "a b\u200Cc, d!?", "a", "b\u200Cc", ",", "d", "!?")]
    [InlineData("""{"type": "WhitespaceSplit"}""", " a,\u3000b ", "a,", "b")]
    [InlineData("""{"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}""", "I'm é 1", "ĠI", "'m", "ĠÃ©", "Ġ1")]
    [InlineData("""{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}""", "a b", "aĠb")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}""", "a b", "▁a", "▁b")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": false}""", "a b", "a▁b")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "add_prefix_space": false}""", "a b", "a", "▁b")]
    [InlineData("""{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation"}]}""", "a. b", "a", ".", "b")]
    public void Split_EveryKind_SplitsAsTheReferenceDoes(string json, string text, params string[] pieces) =>
        Split(json, text).ShouldBe(pieces);

    [Fact]
    public void Split_PrependingToTheFirst_LeavesLaterPiecesAlone() =>
        Split("""
            {"type": "Sequence", "pretokenizers": [{"type": "Punctuation"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}]}
            """, "a.b").ShouldBe(["▁a", ".", "b"]);

    private static IEnumerable<string> Split(string json, string text) =>
        PreTokenizer.Read(TokenizerJson.Field(json)).Split([new Piece(text, 0, text.Length, IsFirst: true)])
            .Select(piece => piece.Text.ToString());
}
