using FsCheck.Xunit;
using LoraServe.Text.Tokenizers;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers;

public class IncrementalDetokenizerTests
{
    [Property(MaxTest = 300)]
    public void Append_RandomIds_ConcatenatesToTheDecodedText(int seed, bool skipSpecialTokens)
    {
        foreach (var name in GoldenTokenizers.Names)
        {
            var tokenizer = GoldenTokenizers.Load(name);
            var ids = RandomIds(tokenizer, seed);
            var detokenizer = new IncrementalDetokenizer(tokenizer, skipSpecialTokens);

            var text = string.Concat(ids.Select(detokenizer.Append)) + detokenizer.Flush();

            text.ShouldBe(tokenizer.Decode(ids, skipSpecialTokens), name);
        }
    }

    [Property(MaxTest = 300)]
    public void Append_AfterAPrompt_GivesWhatTheIdsAdd(int seed, bool skipSpecialTokens)
    {
        foreach (var name in GoldenTokenizers.Names)
        {
            var tokenizer = GoldenTokenizers.Load(name);
            var ids = RandomIds(tokenizer, seed);
            var prompt = ids[..(ids.Length / 2)];
            var detokenizer = new IncrementalDetokenizer(tokenizer, skipSpecialTokens, prompt);

            var text = string.Concat(ids[prompt.Length..].Select(detokenizer.Append)) + detokenizer.Flush();

            var all = tokenizer.Decode(ids, skipSpecialTokens);
            var ofPrompt = tokenizer.Decode(prompt, skipSpecialTokens);
            var common = all.AsSpan().CommonPrefixLength(ofPrompt);
            text.ShouldBe(all[common..], name);
        }
    }

    [Property(MaxTest = 300)]
    public void Fork_AfterAPrompt_GivesWhatOneOfItsOwnGives(int seed, bool skipSpecialTokens)
    {
        foreach (var name in GoldenTokenizers.Names)
        {
            var tokenizer = GoldenTokenizers.Load(name);
            var ids = RandomIds(tokenizer, seed);
            var (prompt, rest) = (ids[..(ids.Length / 2)], ids[(ids.Length / 2)..]);
            var ended = new IncrementalDetokenizer(tokenizer, skipSpecialTokens, prompt);
            List<IncrementalDetokenizer> continued = [new(tokenizer, skipSpecialTokens, prompt), ended.Fork(), ended.Fork()];

            var texts = continued.ConvertAll(_ => "");
            foreach (var id in rest) texts = [.. texts.Select((text, i) => text + continued[i].Append(id))];
            texts = [.. texts.Select((text, i) => text + continued[i].Flush())];

            texts.ShouldAllBe(text => text == texts[0], name);
        }
    }

    [Property(MaxTest = 300)]
    public void Append_RandomIds_NeverGivesHalfACharacter(int seed)
    {
        foreach (var name in GoldenTokenizers.Names)
        {
            var tokenizer = GoldenTokenizers.Load(name);
            var detokenizer = new IncrementalDetokenizer(tokenizer);
            var parts = tokenizer.Encode("naïve 👨‍👩‍👧 हिन्दी 漢字 " + seed).Select(detokenizer.Append).ToList();
            parts.Add(detokenizer.Flush());

            parts.Where(part => part.Contains('\uFFFD')).ShouldBeEmpty(name);
            parts.Where(part => char.IsLowSurrogate(part.FirstOrDefault()) || char.IsHighSurrogate(part.LastOrDefault())).ShouldBeEmpty(name);
        }
    }

    [Fact]
    public void Append_CharacterOfSeveralTokens_ComesWithTheLast()
    {
        var tokenizer = GoldenTokenizers.Load("gpt2");
        int[] ids = [.. "ðŁĺĢ".Select(character => tokenizer.TokenId(character.ToString())!.Value)];
        var detokenizer = new IncrementalDetokenizer(tokenizer);

        ids.Select(detokenizer.Append).ShouldBe(["", "", "", "😀"]);
        detokenizer.Append(ids[0]).ShouldBe("");
        detokenizer.Flush().ShouldBe("\uFFFD");
    }

    [Fact]
    public void Append_PromptThatEndsInHalfACharacter_GivesTheWholeCharacter()
    {
        var tokenizer = GoldenTokenizers.Load("gpt2");
        int[] ids = [.. "ðŁĺĢ".Select(character => tokenizer.TokenId(character.ToString())!.Value)];
        var detokenizer = new IncrementalDetokenizer(tokenizer, skipSpecialTokens: true, ids.AsSpan(0, 2));

        (detokenizer.Append(ids[2]) + detokenizer.Append(ids[3]) + detokenizer.Flush()).ShouldBe("😀");
    }

    [Fact]
    public void Append_AfterAPromptOfWords_KeepsTheSpaceBetween()
    {
        foreach (var name in (string[])["llama2", "mistral-metaspace"])
        {
            var tokenizer = GoldenTokenizers.Load(name);
            var the = tokenizer.TokenId("▁t")!.Value;

            new IncrementalDetokenizer(tokenizer).Append(the).ShouldBe("t", name);
            new IncrementalDetokenizer(tokenizer, skipSpecialTokens: true, [the]).Append(the).ShouldBe(" t", name);
            new IncrementalDetokenizer(tokenizer, skipSpecialTokens: true, [1]).Append(the).ShouldBe("t", name);
        }
    }

    private static int[] RandomIds(Tokenizer tokenizer, int seed)
    {
        var random = new Random(seed);
        // Half of them from the start of the vocabulary, where the special tokens and the single bytes are.
        return [.. Enumerable.Range(0, random.Next(20)).Select(_ => random.Next(random.Next(2) == 0 ? 300 : tokenizer.VocabularySize))];
    }
}
