using System.Text.RegularExpressions;
using FsCheck.Xunit;
using LoraServe.Text.Tokenizers.Patterns;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Tokenizers.Patterns;

public class PatternTests
{
    private static readonly string[] Hostile =
    [
        @"\s*[\r\n]+|\s", "(?:a|a)*b", "(?:a|aa)+c", "(?:a?){30}a{30}b", @"\s+(?!\S)|\s+x", @"(?=\s*x)\s", "(?:(?=a*b)a)*c",
        "[ax]*x[ax]*x[ax]*y", "a++b|a", "(?:a*x?){3}b", "(?:a|b|ab)*?c", "(?!a*b)a", "(?<!ba)a*c", "(?:(?:a|ax)+x?)+y",
        "a*a*a*a*a*a*a*a*b", @"\d{1,3}(?=(?:\d{3})*\b)", "(?=(?:a|aa)*?c)|a+(?=b)",
    ];

    [Theory]
    [InlineData(@"\p{L}+", "ab𝒷é1漢", "ab𝒷é", "漢")]
    [InlineData(@"\p{N}", "1𝟗½", "1", "𝟗", "½")]
    [InlineData(@"[^\s\p{L}]", "a 😀", "😀")]
    [InlineData(@"(?i:'s|'ll)", "'S 'ſ 'Ll 'l", "'S", "'ſ", "'Ll")]
    [InlineData("(?i)[^a-c]", "aBCd", "d")]
    [InlineData("(?i:K)|k", "\u212Ak", "\u212A", "k")]
    [InlineData(@"\s+(?!\S)|\s+", "a   b ", "  ", " ", " ")]
    [InlineData("a|ab", "ab", "a")]
    [InlineData("a+?b?|b", "aab", "a", "ab")]
    [InlineData("a?+a|b", "ab", "b")]
    [InlineData("[a-c&&[^b]]+", "abca", "a", "ca")]
    [InlineData("[[:punct:]]|[^[a-c]d]", "a.dx", ".", "x")]
    [InlineData(@"(?<=a)b|(?<!a)c", "abcac", "b", "c")]
    [InlineData(@"\x41|\u0042|\x{1F600}", "AB😀", "A", "B", "😀")]
    [InlineData(@"^\w|\w$|\bx", "ab\ncd .x", "a", "b", "c", "x")]
    [InlineData("a{2}|b{,2}c|d{2,}", "aaabbbcddd", "aa", "bbc", "ddd")]
    [InlineData("a{2}?b", "aab b", "aab", "b")]
    [InlineData(@"\p{Han}+|\p{Hiragana}+", "漢字かな", "漢字", "かな")]
    public void Match_OfTheSyntaxInUse_FindsWhatOnigurumaFinds(string pattern, string text, params string[] matches) =>
        Find(Pattern.Regex(pattern), text).ShouldBe(matches);

    [Theory]
    [InlineData(@"(a)\1")]
    [InlineData("(?>a+)b")]
    [InlineData("(?:ab)++")]
    [InlineData("(?:a*)*")]
    [InlineData("(?<=a+)b")]
    [InlineData(@"\p{Klingon}")]
    [InlineData("[[:nothing:]]")]
    [InlineData("(a")]
    [InlineData("a)")]
    [InlineData("[a")]
    [InlineData("*a")]
    [InlineData("[z-a]")]
    [InlineData("a{2000}")]
    [InlineData("(?:(?:a{900}){900}){900}")]
    [InlineData("(?x) a")]
    [InlineData("\\")]
    public void Regex_NotSupportedOrMalformed_IsRefused(string pattern) => Should.Throw<FormatException>(() => Pattern.Regex(pattern));

    [Fact]
    public void Regex_QuantifiersWithoutEnd_IsRefused() =>
        Should.Throw<FormatException>(() => Pattern.Regex("a" + string.Concat(Enumerable.Repeat("{1}", 20_000)))).Message.ShouldContain("in a row");

    [Fact]
    public void Regex_IntersectionsWithoutEnd_IsRefused() =>
        Should.Throw<FormatException>(() => Pattern.Regex("[a" + string.Concat(Enumerable.Repeat("&&a", 20_000)) + "]"));

    [Fact]
    public void Regex_ClassOfManyValues_HoldsEachOfThem()
    {
        var values = string.Concat(Enumerable.Range(0x4E00, 20_000).Select(value => (char)value));

        Pattern.Regex($"[{values}]").Replace("a\u4E00b\u9C1Fc\u9C20", "-").ShouldBe("a-b-c\u9C20");
    }

    [Fact]
    public void Regex_DeepNesting_IsRefused() =>
        Should.Throw<FormatException>(() => Pattern.Regex(new string('(', 100_000) + new string(')', 100_000)));

    [Property(MaxTest = 2000)]
    public void Match_RandomPatterns_FindsWhatTheRuntimeFinds(int seed)
    {
        var random = new Random(seed);
        var pattern = RandomPattern(random, 4);
        var text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => "abc\n "[random.Next(5)]));
        Pattern compiled;
        try
        {
            compiled = Pattern.Regex(pattern);
        }
        catch (FormatException fault) when (fault.Message.Contains("match nothing", StringComparison.Ordinal))
        {
            return;
        }
        var expected = Regex.Matches(text, pattern, RegexOptions.None, TimeSpan.FromSeconds(5)).Select(match => (match.Index, match.Value));

        // The runtime also counts an empty match right behind the last match.
        var ends = new HashSet<int>();
        var counted = expected.Where(match => match.Value.Length > 0 ? ends.Add(match.Index + match.Value.Length) : !ends.Contains(match.Index));
        Find(compiled, text).ShouldBe(counted.Select(match => match.Value), pattern);
    }

    [Fact]
    public void Match_HostilePatterns_TakesLinearTime()
    {
        foreach (var pattern in Hostile) Steps(Pattern.Regex(pattern), 20_000).ShouldBeLessThan(20_000 * 400L, pattern);
    }

    [Property(MaxTest = 200)]
    public void Match_RandomPatterns_TakesLinearTime(int seed)
    {
        var pattern = RandomPattern(new Random(seed), 5);
        try
        {
            Steps(Pattern.Regex(pattern), 3_000).ShouldBeLessThan(3_000 * 100L * pattern.Length, pattern);
        }
        catch (FormatException fault) when (fault.Message.Contains("match nothing", StringComparison.Ordinal))
        {
        }
    }

    [Fact]
    public void Replace_Regex_ReplacesEveryMatch() => Pattern.Regex("a+|😀").Replace("baaa😀ca", "xy").ShouldBe("bxyxycxy");

    private static List<string> Find(Pattern pattern, string text)
    {
        var matches = new List<string>();
        using var matcher = pattern.Match(text, new Choice[1]);
        while (matcher.Next(out var start, out var end)) matches.Add(text[start..end]);
        return matches;
    }

    /// <summary>The most steps taken for any of several texts of a length.</summary>
    private static long Steps(Pattern pattern, int length)
    {
        var most = 0L;
        foreach (var unit in (string[])["a", "b", " ", "ax", "ab", "a\n", "1", "aab"])
        {
            var matcher = pattern.Match(string.Concat(Enumerable.Repeat(unit, length / unit.Length)), new Choice[16]);
            while (matcher.Next(out _, out _))
            {
            }
            most = Math.Max(most, matcher.Steps);
            matcher.Dispose();
        }
        return most;
    }

    private static string RandomPattern(Random random, int depth)
    {
        if (depth == 0) return ((string[])["a", "b", "c", "[ab]", "[^a]", @"\s", @"\S", "."])[random.Next(8)];
        string Inner() => RandomPattern(random, depth - 1);
        return random.Next(9) switch
        {
            0 => $"(?:{Inner()}|{Inner()})",
            1 => $"(?:{Inner()}){((string[])["*", "+", "?", "*?", "+?", "??", "{1,2}", "{2}", "{0,3}"])[random.Next(9)]}",
            2 => $"(?={Inner()})",
            3 => $"(?!{Inner()})",
            4 => $"[ab]{((string[])["*", "+", "?"])[random.Next(3)]}{Inner()}",
            5 => $"(?<={((string[])["a", "ab", "[^b]", "a|b"])[random.Next(4)]}){Inner()}",
            _ => Inner() + Inner(),
        };
    }
}
