using System.Text.RegularExpressions;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Keys;

namespace LoraServe.Tests.Keys;

public class AdapterPatternTests
{
    [Theory]
    [InlineData("*", "anything", true)]
    [InlineData("sql", "sql", true)]
    [InlineData("sql", "sql2", false)]
    [InlineData("team-*", "team-", true)]
    [InlineData("team-*", "team", false)]
    [InlineData("*-prod", "sql-prod", true)]
    [InlineData("a*b*c", "aXbYc", true)]
    [InlineData("a*b*c", "acb", false)]
    [InlineData("ab*ba", "aba", false)]
    [InlineData("Team-*", "team-a", false)]
    [InlineData("acme/*", "acme/sql", true)]
    [InlineData("acme/*", "other/sql", false)]
    public void Matches_Name_FollowsTheStars(string pattern, string name, bool expected) =>
        AdapterPattern.TryParse(pattern)!.Matches(name).ShouldBe(expected);

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("[ab]")]
    [InlineData("a\n")]
    public void TryParse_OtherCharacters_IsNoPattern(string text) => AdapterPattern.TryParse(text).ShouldBeNull();

    [Fact]
    public void TryParse_TooLong_IsNoPattern() => AdapterPattern.TryParse(new string('*', 129)).ShouldBeNull();

    [Property(MaxTest = 2000)]
    public FsCheck.Property Matches_AnyPatternAndName_AgreesWithARegularExpression()
    {
        var texts = Gen.Elements('a', 'b', '*').ListOf().Select(letters => string.Concat(letters.Take(12)));
        var names = Gen.Elements('a', 'b').ListOf().Select(letters => string.Concat(letters.Take(16)));
        return Prop.ForAll(texts.Where(text => text.Length > 0).ToArbitrary(), names.ToArbitrary(), (text, name) =>
        {
            var reference = new Regex($"^{Regex.Escape(text).Replace("\\*", ".*")}$", RegexOptions.NonBacktracking);
            return AdapterPattern.TryParse(text)!.Matches(name) == reference.IsMatch(name);
        });
    }
}
