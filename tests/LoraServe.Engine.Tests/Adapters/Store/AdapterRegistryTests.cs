using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Storage;
using LoraServe.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Store;

public sealed class AdapterRegistryTests : IDisposable
{
    private static readonly DateTimeOffset Time = new(2026, 3, 5, 14, 7, 9, 123, TimeSpan.Zero);
    private static readonly string V1 = new('1', 64), V2 = new('2', 64);

    private readonly TemporaryFolder _folder = new();
    private AdapterRegistry _registry;

    public AdapterRegistryTests() => _registry = AdapterRegistry.Open(Path, Trash);

    private string Path => System.IO.Path.Combine(_folder.Path, "registry.db");

    private Trash Trash => new(_folder.Path, TimeProvider.System, NullLogger.Instance);

    public void Dispose()
    {
        _registry.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Save_Origin_SurvivesARestart()
    {
        var origin = new AdapterOrigin { BaseModelName = "org/base", Alpha = 8.5, SizeBytes = 12, Warnings = ["odd"], Provenance = "mine" };
        var alias = new AdapterAlias { Name = "a", Created = Time, Current = new AdapterVersionId(V1), History = [new AliasVersion(new AdapterVersionId(V1), Time, 0) { Origin = origin }] };

        _registry.Save(alias, Known(V1));
        Restart();

        var found = _registry.Read().Aliases.Single().History.Single().Origin!;
        (found with { Warnings = origin.Warnings }).ShouldBe(origin);
        found.Warnings.ShouldBe(origin.Warnings);
    }

    [Fact]
    public void Save_AdapterAndMix_SurviveARestart()
    {
        var adapter = new AdapterAlias
        {
            Name = "a",
            Created = Time,
            Mode = MergeMode.Merged,
            Share = 2.5,
            Pinned = true,
            Current = new AdapterVersionId(V1),
            History = [new AliasVersion(new AdapterVersionId(V2), Time, 0.05), new AliasVersion(new AdapterVersionId(V1), Time.AddDays(-1), 0)],
        };
        var mix = new AdapterAlias { Name = "m", Created = Time, Parts = [new AdapterPart("a", 0.1), new AdapterPart("b@12", -3)] };
        var known = Known(V1) with { Provenance = "trained by hand", Broken = "truncated" };

        _registry.Save(adapter, known, Known(V2));
        _registry.Save(mix);
        Restart();

        var content = _registry.Read();
        content.Aliases.Select(alias => alias with { History = [], Parts = [] })
            .ShouldBe([adapter with { History = [], Parts = [] }, mix with { History = [], Parts = [] }]);
        content.Aliases[0].History.ShouldBe(adapter.History);
        content.Aliases[1].Parts.ShouldBe(mix.Parts);
        var found = content.Versions.Single(version => version.Version.Value == V1);
        (found with { Description = known.Description }).ShouldBe(known);
        found.Description.TargetModules.ShouldBe(known.Description.TargetModules);
        found.Description.LoadedBytes.ShouldBe(known.Description.LoadedBytes);
    }

    [Fact]
    public void Save_NameThatIsThere_ReplacesAllOfIt()
    {
        var alias = Alias("a") with { History = [new AliasVersion(new AdapterVersionId(V1), Time, 0), new AliasVersion(new AdapterVersionId(V2), Time, 0.5)], Current = new AdapterVersionId(V1) };
        _registry.Save(alias, Known(V1), Known(V2));

        _registry.Save(alias with { History = [new AliasVersion(new AdapterVersionId(V1), Time, 0)] });

        _registry.Read().Aliases.Single().History.ShouldBe([new AliasVersion(new AdapterVersionId(V1), Time, 0)]);
    }

    [Fact]
    public void Save_VersionThatIsUnknown_StoresNothing()
    {
        var message = Should.Throw<IOException>(() => _registry.Save(
            Alias("a") with { History = [new AliasVersion(new AdapterVersionId(V1), Time, 0)], Current = new AdapterVersionId(V1) })).Message;

        message.ShouldContain("registry.db, cannot be written");
        _registry.Read().Aliases.ShouldBeEmpty();
    }

    [Fact]
    public void Remove_Name_TakesItsVersionsWithIt()
    {
        _registry.Save(Alias("a") with { History = [new AliasVersion(new AdapterVersionId(V1), Time, 0)], Current = new AdapterVersionId(V1) }, Known(V1), Known(V2));

        _registry.Remove("a", [new AdapterVersionId(V1)]);

        _registry.Read().Aliases.ShouldBeEmpty();
        _registry.Read().Versions.Select(version => version.Version).ShouldBe([new AdapterVersionId(V2)]);
    }

    [Fact]
    public void SaveUses_ThenRead_HasTheTime()
    {
        _registry.Save(Alias("a"));

        _registry.SaveUses(new Dictionary<string, DateTimeOffset> { ["a"] = Time, ["gone"] = Time });

        _registry.Read().Aliases.Single().LastUse.ShouldBe(Time);
    }

    [Fact]
    public void SaveFolders_Again_ReplacesThemAndForgetsTheirVersions()
    {
        _registry.SaveFolders([new FolderRow { Path = "/x", Stamp = "s", Version = V1 }], [Known(V1)]);

        _registry.SaveFolders([new FolderRow { Path = "/y", Stamp = "t", Version = V2 }], [Known(V2)]);

        var content = _registry.Read();
        content.Folders.Keys.ShouldBe(["/y"]);
        content.Versions.Select(version => version.Version).ShouldBe([new AdapterVersionId(V2)]);
    }

    [Fact]
    public void Save_SettingsOfAFolderAdapter_LeaveAStoredOneOfItsNameAlone()
    {
        _registry.Save(Alias("a") with { History = [new AliasVersion(new AdapterVersionId(V1), Time, 0)], Current = new AdapterVersionId(V1) }, Known(V1));

        _registry.Save(Alias("a") with { Folder = "/x", Current = new AdapterVersionId(V2), History = [new AliasVersion(new AdapterVersionId(V2), Time, 0)], Pinned = true });

        var alias = _registry.Read().Aliases.Single();
        (alias.Pinned, alias.Current?.Value, alias.History.Count).ShouldBe((true, V1, 1));
    }

    [Fact]
    public void Open_NoDatabase_SaysWhichFile()
    {
        var path = System.IO.Path.Combine(_folder.Path, "broken.db");
        File.WriteAllText(path, new string('x', 10_000));

        Should.Throw<IOException>(() => AdapterRegistry.Open(path, Trash)).Message.ShouldContain("broken.db");
    }

    /// <summary>Names that differ in case or are reserved somewhere are names like any other.</summary>
    [Property(MaxTest = 50)]
    public Property Save_AnyName_IsReadBack()
    {
        var names = Gen.NonEmptyListOf(Gen.Elements("aAzZ09._-".ToCharArray())).Select(letters => string.Concat(letters));
        return Prop.ForAll(names.ToArbitrary(), name =>
        {
            _registry.Save(Alias(name));
            _registry.Read().Aliases.ShouldContain(alias => alias.Name == name);
            _registry.Remove(name, []);
            _registry.Read().Aliases.ShouldBeEmpty();
        });
    }

    private void Restart()
    {
        _registry.Dispose();
        _registry = AdapterRegistry.Open(Path, Trash);
    }

    private static AdapterAlias Alias(string name) => new() { Name = name, Created = Time };

    private static KnownVersion Known(string version) => new()
    {
        Description = Descriptions.Of(version),
        CheckedAgainst = "base",
        Created = Time,
    };
}
