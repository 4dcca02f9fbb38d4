using FsCheck.Xunit;
using LoraServe.Engine.Adapters.Catalog;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Catalog;

public sealed class AdapterReferenceTests
{
    [Fact]
    public void Parse_Name_IsThatAdapter() => AdapterReference.Parse("support").Parts.ShouldBe([new AdapterPart("support", 1)]);

    [Fact]
    public void Parse_Mix_HasItsVersionsAndWeights()
    {
        var reference = AdapterReference.Parse("a:0.7,b@12ab:-0.3,c");

        reference.Parts.ShouldBe([new("a", 0.7), new("b@12ab", -0.3), new("c", 1)]);
        (reference.Parts[1].Alias, reference.Parts[1].VersionPrefix).ShouldBe(("b", "12ab"));
        reference.ToString().ShouldBe("a:0.7,b@12ab:-0.3,c");
    }

    [Theory]
    [InlineData("", "expected a letter or digit")]
    [InlineData("a,", "expected a letter or digit")]
    [InlineData("../a", "expected a letter or digit")]
    [InlineData("a@", "hexadecimal")]
    [InlineData("a@b@c", "hexadecimal")]
    [InlineData("a@XY", "hexadecimal")]
    [InlineData("a@0123456789012345678901234567890123456789012345678901234567890123x", "hexadecimal")]
    [InlineData("a:", "expected a number")]
    [InlineData("a:b", "expected a number")]
    [InlineData("a:1:2", "expected a number")]
    [InlineData("a:NaN", "expected a weight between")]
    [InlineData("a:1e999", "expected a weight between")]
    [InlineData("a:1001", "expected a weight between")]
    [InlineData("a,b,c,d,e,f,g,h,i", "expected 1 to 8 adapters, found 9")]
    public void Parse_OtherForms_AreRefused(string text, string message) =>
        Should.Throw<InvalidAdapterReferenceException>(() => AdapterReference.Parse(text)).Message.ShouldContain(message);

    [Fact]
    public void Parse_SeveralFaults_SaysThemAll() =>
        Should.Throw<InvalidAdapterReferenceException>(() => AdapterReference.Parse("a:x,/:1,b@:2")).Faults.Count.ShouldBe(3);

    [Fact]
    public void Parse_HostileLength_IsRefusedInFewWords()
    {
        foreach (var text in new[] { new string(',', 1 << 24), new string('a', 1 << 24), new string(',', 2000), new string('a', 2000) })
            Should.Throw<InvalidAdapterReferenceException>(() => AdapterReference.Parse(text)).Message.Length.ShouldBeLessThan(200);
        Should.Throw<InvalidAdapterReferenceException>(() => AdapterReference.From([new AdapterPart(new string('@', 1 << 24), 1)]))
            .Message.Length.ShouldBeLessThan(200);
    }

    [Property]
    public void Parse_AnyText_IsReadBackOrRefused(string? text)
    {
        try
        {
            var reference = AdapterReference.Parse(text ?? "");
            AdapterReference.Parse(reference.ToString()).Parts.ShouldBe(reference.Parts);
        }
        catch (InvalidAdapterReferenceException e)
        {
            e.Faults.ShouldNotBeEmpty();
        }
    }
}
