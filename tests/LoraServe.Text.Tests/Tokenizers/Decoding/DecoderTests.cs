using LoraServe.Text.Tokenizers.Decoding;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers.Decoding;

public class DecoderTests
{
    private const string ByteFallbackFused = """{"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]}""";

    [Theory]
    [InlineData("""{"type": "ByteLevel"}""", " aé |b", "Ġa", "Ã", "©Ġ", "|b")]
    [InlineData("""{"type": "ByteLevel"}""", "漢a", "漢", "a")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁"}""", "a b", "▁a", "▁b")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"}""", " a b", "▁a", "▁b")]
    [InlineData("""{"type": "BPEDecoder", "suffix": "</w>"}""", "ab c", "a", "b</w>", "c</w>")]
    [InlineData("""{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}""", " a", "▁a")]
    [InlineData("""{"type": "Replace", "pattern": {"Regex": "a+"}, "content": "x"}""", "xbx", "aab", "a")]
    [InlineData("""{"type": "Strip", "content": " ", "start": 1, "stop": 0}""", " ab ", "  a", " b ")]
    public void Decode_EveryKind_GivesTheReferenceText(string json, string text, params string[] tokens) =>
        Decode(json, tokens).ShouldBe(text);

    [Theory]
    [InlineData("é", "<0xC3>", "<0xA9>")]
    [InlineData("\uFFFD\uFFFD\uFFFDa", "<0xC3>", "<0xA9>", "<0xFF>", "a")]
    [InlineData("<0xG1>\uFFFD", "<0xG1>", "<0x80>")]
    public void Decode_ByteTokens_AreTextOnlyIfTheWholeRunIs(string text, params string[] tokens) =>
        Decode(ByteFallbackFused, tokens).ShouldBe(text);

    [Fact]
    public void Write_RunOfByteTokens_IsHeldBackUntilItEnds() =>
        Parts(ByteFallbackFused, "<0xC3>", "<0xA9>", "a", "<0x41>").ShouldBe(["", "", "éa", "", "A"]);

    [Fact]
    public void Write_StripAtTheEndOfAFusedText_HoldsBackOnlyWhatMayGo() =>
        Parts("""{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 1}]}""",
            "  a", "  ", "b ", " ").ShouldBe([" a", " ", " b", " ", ""]);

    [Fact]
    public void Write_LiteralAcrossFusedTokens_IsReplaced() =>
        Parts("""{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Replace", "pattern": {"String": "aab"}, "content": "-"}]}""",
            "xa", "a", "a", "b", "a").ShouldBe(["x", "", "a", "-", "", "a"]);

    [Fact]
    public void Decode_WithoutADecoder_PutsSpacesBetween() =>
        TokenizerJson.Of("ab").Load().Decode([0, 1]).ShouldBe("a b");

    private static string Decode(string json, params string[] tokens) => string.Concat(Parts(json, tokens));

    /// <summary>What each token adds, and what completing adds.</summary>
    private static List<string> Parts(string json, params string[] tokens)
    {
        var text = new TextCollector();
        var steps = Decoder.Read(TokenizerJson.Field(json)).Start(text);
        var parts = new List<string>();
        foreach (var token in tokens)
        {
            steps.Write(token);
            steps.EndToken();
            parts.Add(text.Take());
        }
        steps.Complete();
        parts.Add(text.Take());
        return parts;
    }
}
