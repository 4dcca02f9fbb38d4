using LoraServe.Engine.Adapters.Catalog;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Catalog;

public sealed class AdapterCatalogTests
{
    private static readonly string V1 = new('1', 64), V2 = new('2', 64), V21 = "21" + new string('0', 62);

    [Fact]
    public void Resolve_Name_IsItsCurrentVersion()
    {
        var resolved = Catalog(Adapter("a", V1, V2)).Resolve(AdapterReference.Parse("a"), () => 0);

        resolved.IsMix.ShouldBeFalse();
        (resolved.Name, resolved.Version.Value).ShouldBe(("a", V1));
    }

    [Theory]
    [InlineData("a@1", '1')]
    [InlineData("a@22", '2')]
    public void Resolve_VersionPrefix_IsThatVersion(string reference, char digit) =>
        Catalog(Adapter("a", V1, V2)).Resolve(AdapterReference.Parse(reference), () => 0).Version.Value.ShouldBe(new string(digit, 64));

    [Fact]
    public void Resolve_UnknownOrAmbiguousPrefix_SaysSo()
    {
        var catalog = Catalog(Adapter("a", V1, V2, V21));

        Should.Throw<UnknownAdapterException>(() => catalog.Resolve(AdapterReference.Parse("a@3"), () => 0)).Message
            .ShouldBe("The adapter 'a' has no version that begins with '3'.");
        Should.Throw<InvalidAdapterReferenceException>(() => catalog.Resolve(AdapterReference.Parse("a@2"), () => 0)).Message
            .ShouldContain("2 versions of 'a' begin with '2'");
        Should.Throw<UnknownAdapterException>(() => catalog.Resolve(AdapterReference.Parse("b"), () => 0));
    }

    [Theory]
    [InlineData(0, '2')]
    [InlineData(0.049, '2')]
    [InlineData(0.05, '1')]
    [InlineData(0.999, '1')]
    public void Resolve_SplitName_ChoosesByChance(double chance, char digit)
    {
        var alias = new AdapterPatch { Split = new Dictionary<string, double> { ["2"] = 0.05 } }.Apply(Adapter("a", V1, V2));

        Catalog(alias).Resolve(AdapterReference.Parse("a"), () => chance).Version.Value.ShouldBe(new string(digit, 64));
    }

    [Fact]
    public void Resolve_MixesInMixes_MultipliesAndAddsWeights()
    {
        var catalog = Catalog(
            Adapter("a", V1), Adapter("b", V2), Mix("inner", ("a", 0.5), ("b", 2)), Mix("outer", ("inner", 0.5), ("a", 1)));

        var resolved = catalog.Resolve(AdapterReference.Parse("outer"), () => 0);

        resolved.Name.ShouldBe("outer");
        resolved.Parts.Select(part => (part.Version.Version, part.Coefficient)).ShouldBe([(new AdapterVersionId(V1), 1.25), (new AdapterVersionId(V2), 1)]);
        resolved.Names.ShouldBe(["outer", "inner", "a", "b"], ignoreOrder: true);
    }

    [Fact]
    public void Resolve_SameVersionsAndWeights_HaveTheSameVersionWhateverTheirNames()
    {
        var catalog = Catalog(Adapter("a", V1), Adapter("copy", V1), Adapter("b", V2));
        string Version(string reference) => catalog.Resolve(AdapterReference.Parse(reference), () => 0).Version.Value;

        Version("b:0.3,copy:0.7").ShouldBe(Version("a:0.7,b:0.3"));
        Version("a:0.5,a:0.5").ShouldBe(V1);
        Version("a,b:0").ShouldBe(V1);
        Version("a:0.7,b:0.31").ShouldNotBe(Version("a:0.7,b:0.3"));
        Version("a:0.5").ShouldNotBe(V1);
    }

    [Fact]
    public void Resolve_CyclicDeepOrWideMixes_AreRefused()
    {
        var cyclic = Catalog(Adapter("a", V1), Mix("x", ("y", 1), ("a", 1)), Mix("y", ("x", 1)));
        var deep = Enumerable.Range(0, 1000).Aggregate(Catalog(Adapter("m0", V1)), (catalog, i) => catalog.With(Mix($"m{i + 1}", ($"m{i}", 1))));
        var wide = Catalog(Adapter("a", V1), Mix("four", ("a", 1), ("a", 1), ("a", 1), ("a", 1)), Mix("twelve", ("four", 1), ("four", 1), ("four", 1)));

        Message(cyclic, "x").ShouldContain("contains itself: x > y > x");
        Message(deep, "m1000").ShouldContain("8 deep");
        Message(wide, "twelve").ShouldContain("at most 8 adapters");
        Message(wide, "a,a:-1").ShouldContain("the weights leave nothing");
        Should.Throw<UnknownAdapterException>(() => Catalog(Mix("m", ("gone", 1))).Resolve(AdapterReference.Parse("m"), () => 0)).Message
            .ShouldBe("The adapter 'gone', a part of the mix 'm', does not exist.");

        static string Message(AdapterCatalog catalog, string reference) => Should.Throw<InvalidAdapterReferenceException>(
            () => catalog.Resolve(AdapterReference.Parse(reference), () => 0)).Message;
    }

    [Fact]
    public void MoveTo_AfterARollback_RollsBackToWhatServedBefore()
    {
        var time = DateTimeOffset.UnixEpoch;
        var alias = Adapter("a", V1).MoveTo(new AdapterVersionId(V2), time).RollbackTo(new AdapterVersionId(V1)).MoveTo(new AdapterVersionId(V21), time);

        alias.Previous()?.Value.ShouldBe(V1);
        alias.RollbackTo(new AdapterVersionId(V1)).Previous()?.Value.ShouldBe(V2);
        alias.RollbackTo(new AdapterVersionId(V2)).Previous().ShouldBeNull();
        alias.MoveTo(new AdapterVersionId(V2), time).History.Select(entry => entry.Version).ShouldBe([new AdapterVersionId(V2), new AdapterVersionId(V21), new AdapterVersionId(V1)]);
    }

    [Fact]
    public void OnlyIn_VersionsOfOtherNames_AreLeftOut()
    {
        var (a, b) = (Adapter("a", V1, V2, V21), Adapter("b", V2));

        (Catalog(a, b) with { Hidden = [new AdapterVersionId(V21)] }).OnlyIn(a).ShouldBe([new AdapterVersionId(V1)]);
    }

    [Fact]
    public void Apply_WrongPatch_SaysEveryFault()
    {
        var patch = new AdapterPatch { Share = 0, Split = new Dictionary<string, double> { ["1"] = 0.7, ["3"] = double.NaN } };

        var faults = Should.Throw<InvalidAdapterPatchException>(() => patch.Apply(Adapter("a", V1, V2))).Faults;

        faults.ShouldContain(fault => fault.StartsWith("weight: expected 0.01"));
        faults.ShouldContain(fault => fault.StartsWith("split: '3': expected a share between 0 and 1"));
        faults.ShouldContain(fault => fault.Contains("no version that begins with '3'"));
        Should.Throw<InvalidAdapterPatchException>(
            () => new AdapterPatch { Split = new Dictionary<string, double> { ["1"] = 0.6, ["2"] = 0.6 } }.Apply(Adapter("a", V1, V2)));
    }

    [Fact]
    public void Apply_MoreSharesThanVersions_IsOneFault()
    {
        var split = Enumerable.Range(0, 10_000).ToDictionary(i => $"{i}", _ => 0.0);

        Should.Throw<InvalidAdapterPatchException>(() => new AdapterPatch { Split = split }.Apply(Adapter("a", V1, V2)))
            .Message.ShouldBe("split: expected at most the 2 versions of 'a', found 10000");
    }

    [Fact]
    public void Apply_CurrentVersionInTheSplit_MustHaveTheRest()
    {
        AdapterPatch Patch(double current) => new() { Split = new Dictionary<string, double> { [V1] = current, [V2] = 0.25 } };

        Patch(0.75).Apply(Adapter("a", V1, V2)).Split.ShouldBe(new Dictionary<AdapterVersionId, double> { [new(V2)] = 0.25 });
        Should.Throw<InvalidAdapterPatchException>(() => Patch(0.5).Apply(Adapter("a", V1, V2))).Message.ShouldContain("gets the rest");
    }

    [Fact]
    public void Resolve_NestedWeightsBeyondTheLimit_IsRefused()
    {
        var catalog = Catalog(Adapter("a", V1), Mix("m", ("a", 900)));

        Should.Throw<InvalidAdapterReferenceException>(() => catalog.Resolve(AdapterReference.Parse("m:2"), () => 0))
            .Message.ShouldContain("come to 1800");
    }

    private static AdapterCatalog Catalog(params AdapterAlias[] aliases) =>
        aliases.Aggregate(AdapterCatalog.Empty.With([Known(V1), Known(V2), Known(V21)]), (catalog, alias) => catalog.With(alias));

    private static AdapterAlias Adapter(string name, params string[] versions) => new()
    {
        Name = name,
        Created = DateTimeOffset.UnixEpoch,
        Current = new AdapterVersionId(versions[0]),
        History = [.. versions.Select(version => new AliasVersion(new AdapterVersionId(version), DateTimeOffset.UnixEpoch, 0))],
    };

    private static AdapterAlias Mix(string name, params (string Name, double Weight)[] parts) => new()
    {
        Name = name,
        Created = DateTimeOffset.UnixEpoch,
        Parts = [.. parts.Select(part => new AdapterPart(part.Name, part.Weight))],
    };

    private static KnownVersion Known(string version) => new()
    {
        CheckedAgainst = "",
        Created = DateTimeOffset.UnixEpoch,
        Description = Descriptions.Of(version),
    };
}
