using LoraServe.Engine.Adapters.Catalog;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Catalog;

public sealed class AdapterNameTests
{
    [Theory]
    [InlineData("a", true)]
    [InlineData("0", true)]
    [InlineData("Llama-3.1_8b", true)]
    [InlineData("con", true)]
    [InlineData("ft:base:support", true)]
    [InlineData("ft:base:support:ckpt-step-100", true)]
    [InlineData("ft:base:support:7", false)]
    [InlineData("ft:base:1e5", false)]
    [InlineData("ft:base:NaN", false)]
    [InlineData("ft:base:", false)]
    [InlineData("ft:", false)]
    [InlineData("ft::a", false)]
    [InlineData("ft:a..b:c", false)]
    [InlineData("ft:a:b/c", false)]
    [InlineData("a:b", false)]
    [InlineData("", false)]
    [InlineData(".a", false)]
    [InlineData("_a", false)]
    [InlineData("a..b", false)]
    [InlineData("a b", false)]
    [InlineData("acme/sql", true)]
    [InlineData("acme/sql/1", false)]
    [InlineData("/a", false)]
    [InlineData("a/", false)]
    [InlineData("a/..", false)]
    [InlineData("../a", false)]
    [InlineData("a/.b", false)]
    [InlineData("acme/ft:b", false)]
    [InlineData("a%2Fb", false)]
    [InlineData("é", false)]
    [InlineData("a\n", false)]
    public void IsValid_Name_FollowsTheRule(string name, bool isValid) => AdapterName.IsValid(name).ShouldBe(isValid);

    [Theory]
    [InlineData("base", true)]
    [InlineData("BASE", true)]
    [InlineData("versions", true)]
    [InlineData("acme/Archive", true)]
    [InlineData("acme/base", false)]
    [InlineData("mix/sql", false)]
    [InlineData("remix", false)]
    [InlineData("ft:base:mix", false)]
    public void Reservation_Name_IsWhatThePathsAndTheSyntaxMean(string name, bool isReserved) =>
        (AdapterName.Reservation(name) is not null).ShouldBe(isReserved);

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void IsValid_Length_IsLimited(int length, bool isValid) => AdapterName.IsValid(new string('A', length)).ShouldBe(isValid);
}
