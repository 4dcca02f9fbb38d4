using System.Text.Json.Nodes;
using FsCheck.Xunit;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers;

public class BytePairEncodingTests
{
    [Property(MaxTest = 500)]
    public void Encode_RandomMerges_MergesTheBestPairFirst(int seed)
    {
        var random = new Random(seed);
        var (merges, json) = RandomMerges(random);
        var tokenizer = json.Load();
        foreach (var length in (int[])[1, 5, 30, 200])
        {
            var word = string.Concat(Enumerable.Range(0, length).Select(_ => "abc"[random.Next(3)]));

            tokenizer.Encode(word).Select(id => tokenizer.TokenText(id)).ShouldBe(Definition(word, merges));
        }
    }

    [Fact]
    public void Encode_UnknownCharacters_BecomeTheUnknownToken()
    {
        var json = TokenizerJson.Of("?ab").WithModel("unk_token", "\"?\"");
        json.Load().Encode("axxb").ShouldBe([1, 0, 0, 2]);
        json.WithModel("fuse_unk", "true").Load().Encode("axxb").ShouldBe([1, 0, 2]);
        TokenizerJson.Of("?ab").Load().Encode("axxb").ShouldBe([1, 2]);
    }

    [Fact]
    public void Encode_ByteFallback_TakesTheBytesOnlyIfAllAreThere()
    {
        var json = TokenizerJson.Of("?").WithModel("unk_token", "\"?\"").WithModel("byte_fallback", "true")
            .WithModel("vocab", """{"?": 0, "<0xC3>": 1, "<0xA9>": 2}""");

        json.Load().Encode("éx").ShouldBe([1, 2, 0]);
    }

    [Fact]
    public void Encode_Affixes_ArePartOfTheSymbols()
    {
        var prefixed = TokenizerJson.Of("a").WithModel("vocab", """{"a": 0, "##b": 1, "ab": 2, "##c": 3}""")
            .WithModel("merges", """["a ##b"]""").WithModel("continuing_subword_prefix", "\"##\"").Load();
        prefixed.Encode("abc").ShouldBe([2, 3]);

        var suffixed = TokenizerJson.Of("a").WithModel("vocab", """{"a": 0, "b</w>": 1, "ab</w>": 2}""")
            .WithModel("merges", """[["a", "b</w>"]]""").WithModel("end_of_word_suffix", "\"</w>\"").Load();
        suffixed.Encode("aab").ShouldBe([0, 2]);
    }

    [Fact]
    public void Encode_IgnoreMerges_TakesAWholeWordOfTheVocabulary()
    {
        var json = TokenizerJson.Of("abc", "a b", "b c").WithModel("vocab", """{"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4, "abc": 5}""");
        json.Load().Encode("abc").ShouldBe([3, 2]);
        json.WithModel("ignore_merges", "true").Load().Encode("abc").ShouldBe([5]);
    }

    /// <summary>Byte pair encoding as it is defined: merge the leftmost pair of the best rank until there is none.</summary>
    private static List<string> Definition(string word, List<(string Left, string Right)> merges)
    {
        var symbols = word.Select(character => character.ToString()).ToList();
        while (true)
        {
            var best = Enumerable.Range(0, symbols.Count - 1)
                .Select(i => (Rank: merges.LastIndexOf((symbols[i], symbols[i + 1])), At: i))
                .Where(pair => pair.Rank >= 0).DefaultIfEmpty((Rank: -1, At: -1)).Min();
            if (best.At < 0) return symbols;
            symbols[best.At] += symbols[best.At + 1];
            symbols.RemoveAt(best.At + 1);
        }
    }

    private static (List<(string, string)> Merges, JsonObject Json) RandomMerges(Random random)
    {
        List<string> tokens = ["a", "b", "c"];
        var merges = new List<(string, string)>();
        for (var i = random.Next(25); i > 0; i--)
        {
            var merge = (tokens[random.Next(tokens.Count)], tokens[random.Next(tokens.Count)]);
            merges.Insert(random.Next(merges.Count + 1), merge);
            tokens.Add(merge.Item1 + merge.Item2);
        }
        return (merges, TokenizerJson.Of("abc", [.. merges.Select(merge => $"{merge.Item1} {merge.Item2}")]));
    }
}
