using System.Text;
using FsCheck.Xunit;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers;

public class TokenizerTests
{
    public static IEnumerable<TheoryDataRow<string>> Golden => GoldenTokenizers.Cases;

    [Fact]
    public void Golden_AllKinds_AreThere() => GoldenTokenizers.Names.Length.ShouldBe(12);

    [Theory]
    [MemberData(nameof(Golden))]
    public void Encode_GoldenTexts_GivesTheReferenceIds(string name)
    {
        var tokenizer = GoldenTokenizers.Load(name);
        var rows = GoldenTokenizers.Rows(name).Where(row => row.Text is not null).ToList();

        rows.Count.ShouldBe(225);
        var differing = rows.Where(row => !tokenizer.Encode(row.Text!, addSpecialTokens: false).SequenceEqual(row.Ids)
            || !tokenizer.Encode(row.Text!).SequenceEqual(row.IdsWithSpecial!));
        differing.Select(row => row.Text).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Golden))]
    public void EncodeEnd_AnyText_IsTheEndOfEncode(string name)
    {
        var tokenizer = GoldenTokenizers.Load(name);
        List<string> texts = [.. GoldenTokenizers.Rows(name).Select(row => row.Text).OfType<string>()];
        // With the special tokens that some of them hold in between.
        texts.Add(string.Concat(texts));
        foreach (var text in texts)
        {
            foreach (var adds in (bool[])[true, false])
            {
                var all = tokenizer.Encode(text, adds);
                foreach (var count in (int[])[1, 2, 7, 100, all.Length, all.Length + 1])
                    tokenizer.EncodeEnd(text, count, adds).ShouldBe(all[Math.Max(0, all.Length - count)..], text);
            }
        }
    }

    [Fact]
    public void Encode_MoreIdsThanMost_EndsThere()
    {
        var tokenizer = GoldenTokenizers.Load("gpt2");

        var ids = tokenizer.Encode(string.Concat(Enumerable.Repeat("one two ", 1_000_000)), most: 100);

        ids.Length.ShouldBeInRange(101, 110);
    }

    [Fact]
    public void Encode_CancelledOrItsEnd_Stops()
    {
        var tokenizer = GoldenTokenizers.Load("gpt2");
        var cancelled = new CancellationToken(canceled: true);

        Should.Throw<OperationCanceledException>(() => tokenizer.Encode("one two", cancellation: cancelled));
        Should.Throw<OperationCanceledException>(() => tokenizer.EncodeEnd("one two", 1, cancellation: cancelled));
    }

    [Theory]
    [MemberData(nameof(Golden))]
    public void Decode_GoldenIds_GivesTheReferenceText(string name)
    {
        var tokenizer = GoldenTokenizers.Load(name);
        var rows = GoldenTokenizers.Rows(name).ToList();

        rows.Count.ShouldBe(285);
        var differing = rows.Where(row => tokenizer.Decode(row.Ids) != row.Decoded
            || tokenizer.Decode(row.Ids, skipSpecialTokens: true) != row.DecodedWithoutSpecial);
        differing.Select(row => string.Join(' ', row.Ids)).ShouldBeEmpty();
    }

    [Property]
    public void Decode_OfEncoded_IsTheText(string? text)
    {
        // The runtime's own encoder replaces halves of surrogate pairs.
        var valid = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text ?? ""));
        foreach (var name in (string[])["gpt2", "smollm2-digits", "deepseek-sequence", "llama3"])
        {
            var tokenizer = GoldenTokenizers.Load(name);
            tokenizer.Decode(tokenizer.Encode(text ?? "", addSpecialTokens: false)).ShouldBe(valid);
        }
    }

    [Fact]
    public void Encode_HalfSurrogatePair_CountsAsReplacementCharacter()
    {
        var tokenizer = GoldenTokenizers.Load("gpt2");

        tokenizer.Encode("a\uD800b\uDC00\uD83D\uDE00\uD83D").ShouldBe(tokenizer.Encode("a\uFFFDb\uFFFD😀\uFFFD"));
    }

    [Fact]
    public void Encode_FromManyThreads_GivesTheSameIds()
    {
        var rows = GoldenTokenizers.Rows("qwen").Where(row => row.Text is not null).ToList();
        var tokenizer = GoldenTokenizers.Load("qwen");

        Parallel.For(0, 10 * rows.Count, i =>
            tokenizer.Encode(rows[i % rows.Count].Text!, addSpecialTokens: false).ShouldBe(rows[i % rows.Count].Ids));
    }

    // A merge queue that is quadratic in a word would take hours for these: the limit tells a hang from a slow machine.
    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Golden))]
    public Task Encode_WordOfAMillionCharacters_EndsInTime(string name) => Task.Run(() =>
    {
        var tokenizer = GoldenTokenizers.Load(name);
        foreach (var unit in (string[])["a", "the", "\n", "😀"])
        {
            var text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length));
            tokenizer.Encode(text, addSpecialTokens: false).Length.ShouldBeLessThanOrEqualTo(4_000_000, unit);
        }
    }, TestContext.Current.CancellationToken);

    [Fact]
    public void TokenText_BytesThatAreNoCharacter_ShowsTheBytes()
    {
        var byteLevel = GoldenTokenizers.Load("gpt2");
        byteLevel.TokenText(byteLevel.TokenId("ð")!.Value).ShouldBe(@"bytes:\xf0");
        byteLevel.TokenText(byteLevel.TokenId("Ġt")!.Value).ShouldBe(" t");

        var byteFallback = GoldenTokenizers.Load("llama2");
        byteFallback.TokenText(byteFallback.TokenId("<0xE2>")!.Value).ShouldBe(@"bytes:\xe2");
        byteFallback.TokenText(byteFallback.TokenId("<0x41>")!.Value).ShouldBe("A");
    }

    [Fact]
    public void TokenText_ReplacementCharacterItself_IsText()
    {
        var tokenizer = TokenizerJson.Of("a\uFFFD").With("decoder", """{"type": "ByteFallback"}""").Load();

        tokenizer.TokenText(1).ShouldBe("\uFFFD");
    }

    [Fact]
    public void Decode_IdsOutsideTheVocabulary_StandForNothing() =>
        GoldenTokenizers.Load("gpt2").Decode([-1, 67, int.MaxValue]).ShouldBe("a");

    [Fact]
    public void IsSpecial_AddedTokens_SaysWhetherTheyAreSpecial()
    {
        var tokenizer = GoldenTokenizers.Load("added-tokens");

        tokenizer.IsSpecial(tokenizer.TokenId("<mask>")!.Value).ShouldBeTrue();
        tokenizer.IsSpecial(tokenizer.TokenId("LoRA")!.Value).ShouldBeFalse();
        tokenizer.IsSpecial(-1).ShouldBeFalse();
        tokenizer.TokenId("no such token").ShouldBeNull();
        tokenizer.VocabularySize.ShouldBe(693);
        tokenizer.LongestTokenLength.ShouldBe("ĠðŁĳ¨âĢįðŁĳ©âĢįðŁĳ§".Length);
    }
}
