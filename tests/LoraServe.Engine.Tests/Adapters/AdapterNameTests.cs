using LoraServe.Engine.Adapters;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters;

public sealed class AdapterNameTests
{
    [Theory]
    [InlineData("a", true)]
    [InlineData("0", true)]
    [InlineData("Llama-3.1_8b", true)]
    [InlineData("con", true)]
    [InlineData("", false)]
    [InlineData(".a", false)]
    [InlineData("_a", false)]
    [InlineData("a..b", false)]
    [InlineData("a b", false)]
    [InlineData("a/b", false)]
    [InlineData("é", false)]
    [InlineData("a\n", false)]
    public void IsValid_Name_FollowsTheRule(string name, bool isValid) => AdapterName.IsValid(name).ShouldBe(isValid);

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void IsValid_Length_IsLimited(int length, bool isValid) => AdapterName.IsValid(new string('A', length)).ShouldBe(isValid);
}
