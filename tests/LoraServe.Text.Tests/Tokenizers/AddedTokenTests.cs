using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers;

public class AddedTokenTests
{
    [Theory]
    [InlineData("{}", "a<x>b", new[] { 0, 9, 1 })]
    [InlineData("{}", "a <x> b", new[] { 0, 2, 9, 2, 1 })]
    [InlineData("""{"lstrip": true}""", "a  <x> b", new[] { 0, 9, 2, 1 })]
    [InlineData("""{"rstrip": true}""", "a <x>  b", new[] { 0, 2, 9, 1 })]
    [InlineData("""{"lstrip": true, "rstrip": true}""", "a <x> <x> b", new[] { 0, 9, 9, 1 })]
    public void Encode_WhiteSpaceAround_IsTakenAlongAsTheTokenSays(string options, string text, int[] ids) =>
        TokenizerJson.Of("ab ").WithAdded(9, "<x>", options).Load().Encode(text).ShouldBe(ids);

    [Theory]
    [InlineData("b", new[] { 9 })]
    [InlineData("a b a", new[] { 0, 2, 9, 2, 0 })]
    [InlineData("ab", new[] { 0, 1 })]
    [InlineData("ba", new[] { 1, 0 })]
    [InlineData(".b.", new[] { 3, 9, 3 })]
    public void Encode_SingleWord_IsNotFoundInsideAWord(string text, int[] ids) =>
        // Outside the added token, b is normalized to a letter of its own, so that the two can be told apart.
        TokenizerJson.Of("aḃ .").With("normalizer", """{"type": "Replace", "pattern": {"String": "b"}, "content": "ḃ"}""")
            .WithAdded(9, "b", """{"single_word": true}""").Load().Encode(text).ShouldBe(ids);

    [Fact]
    public void Encode_SeveralAtOnePlace_TakesTheLongest() =>
        TokenizerJson.Of("a").WithAdded(5, "<a>").WithAdded(6, "<a>b").WithAdded(7, "<").Load().Encode("<a>b<a><").ShouldBe([6, 5, 7]);

    [Fact]
    public void Encode_Normalized_LooksInTheNormalizedText()
    {
        var json = TokenizerJson.Of("ab").With("normalizer", """{"type": "Lowercase"}""");
        json.WithAdded(5, "AB", """{"normalized": true}""").WithAdded(6, "BA").Load().Encode("abABBAba").ShouldBe([5, 5, 6, 1, 0]);
    }

    [Fact]
    public void Decode_SkippingSpecialTokens_LeavesOnlyThemOut()
    {
        var tokenizer = TokenizerJson.Of("a").With("decoder", """{"type": "Fuse"}""")
            .WithAdded(1, "<s>", """{"special": true}""").WithAdded(2, "<x>").Load();

        tokenizer.Decode([1, 0, 2]).ShouldBe("<s>a<x>");
        tokenizer.Decode([1, 0, 2], skipSpecialTokens: true).ShouldBe("a<x>");
    }
}
