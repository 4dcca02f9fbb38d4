using FsCheck.Xunit;
using LoraServe.Text.Tokenizers.Normalization;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers.Normalization;

public class NormalizerTests
{
    [Theory]
    [InlineData("e\u0301", "é", "e\u0301", "é", "e\u0301")]
    [InlineData("Å", "Å", "A\u030A", "Å", "A\u030A")]
    [InlineData("각", "각", "\u1100\u1161\u11A8", "각", "\u1100\u1161\u11A8")]
    [InlineData("\u1100\u1161\u11A8", "각", "\u1100\u1161\u11A8", "각", "\u1100\u1161\u11A8")]
    [InlineData("ﬁ²①", "ﬁ²①", "ﬁ²①", "fi21", "fi21")]
    [InlineData("𝒷", "𝒷", "𝒷", "b", "b")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307", "q\u0323\u0307", "q\u0323\u0307", "q\u0323\u0307")]
    [InlineData("\u1E9B\u0323", "\u1E9B\u0323", "\u017F\u0323\u0307", "\u1E69", "s\u0323\u0307")]
    [InlineData("a\u0305\u0300", "a\u0305\u0300", "a\u0305\u0300", "a\u0305\u0300", "a\u0305\u0300")]
    [InlineData("\u0958", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C")]
    [InlineData("a\u0315\u0300\u05AE\u0062", "\u00E0\u05AE\u0315b", "a\u05AE\u0300\u0315b", "\u00E0\u05AE\u0315b", "a\u05AE\u0300\u0315b")]
    public void Normalize_UnicodeForms_GivesTheStandardsExamples(string text, string nfc, string nfd, string nfkc, string nfkd)
    {
        Normalizer("""{"type": "NFC"}""")(text).ShouldBe(nfc);
        Normalizer("""{"type": "NFD"}""")(text).ShouldBe(nfd);
        Normalizer("""{"type": "NFKC"}""")(text).ShouldBe(nfkc);
        Normalizer("""{"type": "NFKD"}""")(text).ShouldBe(nfkd);
    }

    [Property(MaxTest = 1000)]
    public void Normalize_RandomText_IsStableAndAgreesBetweenForms(int seed)
    {
        var random = new Random(seed);
        // Letters, Hangul and marks, close together, so that they interact.
        int[] starts = [0x41, 0xC0, 0x300, 0x320, 0x1100, 0x1161, 0x11A7, 0xAC00, 0x915, 0x93C, 0x1E00, 0xFB00, 0x1D400];
        var text = string.Concat(Enumerable.Range(0, random.Next(10))
            .Select(_ => char.ConvertFromUtf32(starts[random.Next(starts.Length)] + random.Next(64))));
        foreach (var compatible in (bool[])[false, true])
        {
            string Composed(string value) => UnicodeNormalization.Normalize(value, compatible, compose: true);
            string Decomposed(string value) => UnicodeNormalization.Normalize(value, compatible, compose: false);

            Composed(Composed(text)).ShouldBe(Composed(text));
            Composed(Decomposed(text)).ShouldBe(Composed(text));
            Decomposed(Composed(text)).ShouldBe(Decomposed(text));
        }
    }

    [Theory]
    [InlineData("""{"type": "Lowercase"}""", "İÀẞΣ𐐀", "i\u0307àßσ𐐨")]
    [InlineData("""{"type": "Strip", "strip_left": true, "strip_right": false}""", "\u3000 a ", "a ")]
    [InlineData("""{"type": "Strip", "strip_left": false, "strip_right": true}""", " a \u2028", " a")]
    [InlineData("""{"type": "StripAccents"}""", "e\u0301é", "eé")]
    [InlineData("""{"type": "Prepend", "prepend": "▁"}""", "a", "▁a")]
    [InlineData("""{"type": "Prepend", "prepend": "▁"}""", "", "")]
    [InlineData("""{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}""", "a  b", "a▁▁b")]
    [InlineData("""{"type": "Replace", "pattern": {"Regex": " +"}, "content": "▁"}""", "a  b", "a▁b")]
    [InlineData("""{"type": "ByteLevel"}""", "a é", "aĠÃ©")]
    [InlineData("""{"type": "Nmt"}""", "a\u0001\tb\u200Bc", "a b c")]
    [InlineData("""{"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}]}""", "ＡÉ", "aé")]
    public void Normalize_EveryKind_DoesWhatItsNameSays(string json, string text, string expected) =>
        Normalizer(json)(text).ShouldBe(expected);

    private static Normalizer Normalizer(string json) => NormalizerReader.Read(TokenizerJson.Field(json));
}
