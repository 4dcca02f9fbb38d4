using System.Text.RegularExpressions;
using FsCheck.Xunit;
using LoraServe.Engine.Peft;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Peft;

public class PeftPatternTests
{
    private const string Path = "model.layers.12.self_attn.q_proj";

    [Theory]
    [InlineData(@".*layers\.[0-9]+\.self_attn\.(q|o)_proj", true)]
    [InlineData("q_proj", false)]
    [InlineData("model.layers.12.self_attn", false)]
    [InlineData("model|x", false)]
    [InlineData(@"(?P<all>.*)", true)]
    [InlineData(@"(?i)MODEL\..*", true)]
    [InlineData(@".*\bq_proj\Z", true)]
    public void FullMatch_Pattern_MatchesTheWholePath(string pattern, bool matches) =>
        PeftPattern.FullMatch(pattern).IsMatch(Path).ShouldBe(matches);

    [Theory]
    [InlineData("q_proj", true)]
    [InlineData("proj", false)]
    [InlineData("self_attn.q_proj", true)]
    [InlineData(@"self_attn\.q_proj", true)]
    [InlineData("self_attn.q.proj", true)]
    [InlineData(@"self_attn\.q\.proj", false)]
    [InlineData(@"^model\.layers\.12\.self_attn\.q_proj$", true)]
    [InlineData(@"^self_attn\.q_proj$", false)]
    [InlineData("layers.12", false)]
    [InlineData(@"layers\.\d+\.self_attn\.[qv]_proj", true)]
    [InlineData("k_proj|q_proj", true)]
    [InlineData("^q_proj|v_proj", false)]
    public void Suffix_Pattern_MatchesFromADotOn(string pattern, bool matches) =>
        PeftPattern.Suffix(pattern).IsMatch(Path).ShouldBe(matches);

    [Property(MaxTest = 300)]
    public void Suffix_PlainPattern_MeansWhatTheRegularExpressionMeans(byte[] choice)
    {
        string[] pieces = ["a", "b", ".", @"\.", "_1"];
        var pattern = string.Concat(choice.Select(c => pieces[c % pieces.Length]));
        var path = string.Concat(choice.Select(c => new[] { "a", "b", ".", ".", "_1" }[(c + (c / 64)) % 5]));
        foreach (var candidate in new[] { path, "a." + path, "x" + path })
        {
            PeftPattern.Suffix(pattern).IsMatch(candidate)
                .ShouldBe(Regex.IsMatch(candidate, $@"\A(.*\.)?({pattern})\z", RegexOptions.None, TimeSpan.FromSeconds(1)), $"{pattern} on {candidate}");
        }
    }

    [Theory]
    [InlineData("layers", 12)]
    [InlineData("[^.]*", 12)]
    [InlineData("(la|x)yers", 12)]
    [InlineData("h", null)]
    public void LayerOf_Pattern_FindsTheNumberBelowIt(string pattern, int? layer) => PeftPattern.Layer(pattern).LayerOf(Path).ShouldBe(layer);

    [Theory]
    [InlineData("(q_proj")]
    [InlineData("a)|(b")]
    [InlineData("*")]
    [InlineData("q(?<x>a)")]
    [InlineData("(a)?(?(1)b|c)")]
    [InlineData("(?x)a b")]
    [InlineData("(?L)a")]
    [InlineData(@"\p{L}+")]
    [InlineData(@"\k<a>")]
    [InlineData(@"\0")]
    [InlineData("(?P>a)")]
    [InlineData("(?#")]
    [InlineData("(?")]
    [InlineData("[a")]
    [InlineData("a{2}{3}")]
    [InlineData("a\u00e9")]
    [InlineData(@"(a)\1")]
    [InlineData("(?P<x>a)(?P=x)")]
    [InlineData("a++")]
    public void FullMatch_WhatCannotBeHonoured_Throws(string pattern) => Should.Throw<ArgumentException>(() => PeftPattern.FullMatch(pattern));

    // What Python 3.11's re.fullmatch says.
    [Theory]
    [InlineData(@"^(model(?=\.).*\.(q_proj|k_proj))$", Path, true)]
    [InlineData("^(model)(?!.*(lm_head|emb)).*", Path, true)]
    [InlineData("^(model)(?!.*(lm_head|attn)).*", Path, false)]
    [InlineData(@".*(?<!k_proj)(?<=\.q_proj)", Path, true)]
    [InlineData(@"model\.layers\.\d{,2}\..*", Path, true)]
    [InlineData(@"model\.layers\.\d{,1}\..*", Path, false)]
    [InlineData("a{,}", "aaa", true)]
    [InlineData("a{}", "a{}", true)]
    [InlineData("a{x}", "a{x}", true)]
    [InlineData("a{1,x}", "a{1,x}", true)]
    [InlineData("a{ 1}", "a{ 1}", true)]
    [InlineData("[a-z-[aeiou]+", "[-e", true)]
    [InlineData("[a-z-[aeiou]]", "e]", true)]
    [InlineData("[[:alpha:]]", "a]", true)]
    [InlineData("[]a]+", "a]", true)]
    [InlineData("[^]a]+", "a]", false)]
    [InlineData("[^[]+", "a", true)]
    [InlineData("(?ai)MODEL", "model", true)]
    [InlineData("(?i:MO)DEL", "moDEL", true)]
    [InlineData("(?i:MO)DEL", "model", false)]
    [InlineData("(?i)a(?-i:B)", "AB", true)]
    [InlineData("a(?#comment)b", "ab", true)]
    [InlineData("(?>a|ab)c", "abc", false)]
    [InlineData("(?P<x>a)b", "ab", true)]
    [InlineData("ab$", "ab", true)]
    [InlineData("ab$.?", "abc", false)]
    [InlineData(@"\Aab\Z", "ab", true)]
    [InlineData(@"a\{,3\}", "a{,3}", true)]
    [InlineData("((a{1000}){1000}){1000}", "a", false)]
    public void FullMatch_PythonsSyntax_MeansWhatItMeansThere(string pattern, string path, bool matches) =>
        PeftPattern.FullMatch(pattern).IsMatch(path).ShouldBe(matches);

    [Theory]
    [InlineData("(?!lm).*q_proj", true)]
    [InlineData("(?!q).*_proj", true)]
    [InlineData(@"(?<=self_attn\.)q_proj", true)]
    [InlineData(@"(?<=mlp\.)q_proj", false)]
    [InlineData(@"layers\.\d{,2}\.self_attn\.q_proj", true)]
    public void Suffix_Lookaround_LooksAtTheWholePath(string pattern, bool matches) =>
        PeftPattern.Suffix(pattern).IsMatch(Path).ShouldBe(matches);

    [Fact]
    public void FullMatch_TooLong_Throws() => Should.Throw<ArgumentException>(() => PeftPattern.FullMatch(new string('a', 1001)));

    // A backtracking matcher would not end in a lifetime: the limit tells a hang from a slow machine.
    [Theory(Timeout = 60_000)]
    [InlineData("(([a-z_.0-9]+)+)+!")]
    [InlineData("(.*)*(.*)*(.*)*!")]
    [InlineData("(a|a|[a-z._0-9])*!")]
    public Task IsMatch_CatastrophicPattern_Ends(string pattern) => Task.Run(
        () => PeftPattern.FullMatch(pattern).IsMatch(string.Join('.', Enumerable.Repeat(Path, 50))).ShouldBeFalse(),
        TestContext.Current.CancellationToken);

    // Each path alone is stopped soon; together they are stopped too.
    [Fact(Timeout = 60_000)]
    public Task IsMatch_CatastrophicLookaround_TakesABoundedTimeOverAllPaths() => Task.Run(
        () =>
        {
            var time = new MatchingTime();
            var pattern = PeftPattern.FullMatch("(?=m)(([a-z_.0-9]+)+)+!", time);
            var refused = 0;
            for (var i = 0; i < 10_000; i++)
            {
                try
                {
                    pattern.IsMatch(Path);
                }
                catch (RegexMatchTimeoutException)
                {
                    refused++;
                }
            }

            refused.ShouldBe(10_000);
        },
        TestContext.Current.CancellationToken);
}
